#include "common/log/kafka_producer.hpp"

#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/log/kafka_errors.hpp"
#include "common/log/kafka_topics.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 100ms;        // so often the thread looks whose time is up
constexpr auto look_up_pause = 20ms;      // between two questions for a topic that is not there (yet)
constexpr auto look_up_wait_max = 250ms;  // for one answer: reports wait meanwhile
constexpr auto rebuild_wait_max = 1'000ms;
constexpr auto gate_open_max = 1h;  // far less than the day for which a broker remembers an idle producer

int milliseconds(std::chrono::milliseconds time) {
  return static_cast<int>(time.count());
}

}  // namespace

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::start(const KafkaSettings& settings, const KafkaVoice& voice,
                                                            const Clock& clock) {
  auto client = make_client(RD_KAFKA_PRODUCER, producer_properties(settings), voice, {.delivered = delivered});
  if (!client) return fail(std::move(client.error()));
  return std::make_unique<KafkaProducer>(settings, voice, clock, std::move(*client));
}

KafkaProducer::KafkaProducer(const KafkaSettings& settings, const KafkaVoice& voice, const Clock& clock,
                             KafkaClient client)
    : settings_(settings), voice_(voice), clock_(clock) {
  state_.with([&](State& state) { state.client = std::move(client); });
  thread_ = Thread{"kafka-producer", [this] { run(); }};
}

KafkaProducer::~KafkaProducer() {
  state_.change([](State& state) {
    if (state.mode != Mode::ended) state.mode = Mode::vanishing;
    wake(state);
  });
  thread_.join();
}

void KafkaProducer::stop() {
  state_.change([](State& state) {
    if (state.mode != Mode::ended) state.mode = Mode::stopping;
    wake(state);
  });
  thread_.join();
}

void KafkaProducer::break_session() {
  const auto locked = state_.locked();
  if (locked->client) {
    rd_kafka_test_fatal_error(locked->client.get(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "asked for");
    wake(*locked);
  }
}

// --- On the callers' threads
// ---------------------------------------------------------------------------------------------

Done KafkaProducer::append(std::vector<Outgoing> records, std::shared_ptr<Reply<Appended>> reply) {
  auto prepared = KafkaAppend::prepare(std::move(records), settings_.record_bytes_max);
  if (!prepared) return fail(std::move(prepared.error()));
  auto& append = prepared->front();
  append.reply = std::move(reply);
  append.began = clock_.now();
  append.reports = &reports_;
  return state_.change([&](State& state) -> Done {
    auto open = check_open(state);
    if (!open) return open;
    auto room = check_room(state, append);
    if (!room) return room;
    state.records += append.records().size();
    state.bytes += append.bytes();
    append.list = &*prepared;
    append.place = prepared->begin();
    if (state.may_pass(append)) return hand_over(state, append);
    State::move(append, state.waiting, state.waiting.end());
    wake(state);
    return {};
  });
}

Done KafkaProducer::check_open(State& state) const {
  if (state.mode == Mode::running) return {};
  if (state.mode != Mode::rebuilding) return fail(Kind::stopping, "the log is closed");
  state.wanted = true;
  return fail(Kind::unavailable, "the producer is being rebuilt after an error that it could not pass over");
}

Done KafkaProducer::check_room(const State& state, const KafkaAppend& append) const {
  if (state.records + append.records().size() > settings_.queue_records_max) {
    return fail(Kind::overloaded, fmt::format("{} records wait for Kafka, the most that may", state.records));
  }
  if (state.bytes + append.bytes() > settings_.queue_bytes_max) {
    return fail(Kind::overloaded, fmt::format("{} bytes wait for Kafka, the most that may", state.bytes));
  }
  return {};
}

const KafkaProducer::Route* KafkaProducer::State::route(const Outgoing& record) const {
  const auto found = routes.find(record.topic);
  const bool there = found != routes.end() && record.partition >= 0 && record.partition < found->second.partitions;
  return there ? &found->second : nullptr;
}

bool KafkaProducer::State::may_pass(const KafkaAppend& append) const {
  for (const auto& record : append.records()) {
    if (!route(record)) return false;
    for (const auto& earlier : waiting) {
      if (&earlier == &append) break;
      if (earlier.concerns(record.topic)) return false;
    }
  }
  return true;
}

KafkaGate& KafkaProducer::State::gate(const Outgoing& record) {
  auto& of_topic = gates[record.topic];
  const auto number = static_cast<std::size_t>(record.partition);
  if (of_topic.size() <= number) of_topic.resize(number + 1);
  return of_topic[number];
}

void KafkaProducer::State::move(KafkaAppend& append, KafkaAppends& to, KafkaAppends::iterator before) {
  to.splice(before, *append.list, append.place);
  append.list = &to;
}

// A failure means that the library has, and takes, nothing of it. The pending stand in the order in which their time is
// up.
Done KafkaProducer::hand_over(State& state, KafkaAppend& append) const {
  const auto way_of = [&](const Outgoing& record) {
    return std::pair<rd_kafka_topic_t*, KafkaGate&>{state.route(record)->handle.get(), state.gate(record)};
  };
  append.hand_over(state.client.get(), clock_.now(), way_of);
  if (append.settled()) {
    auto refused = append.outcome();
    forget(state, append);
    return fail(std::move(refused.error()));
  }
  if (!append.handed_over()) {
    // One that has just come waits behind all others; one that has waited stays where it is.
    if (append.list != &state.waiting) State::move(append, state.waiting, state.waiting.end());
    return {};
  }
  auto behind = state.pending.end();
  while (behind != state.pending.begin() && std::prev(behind)->began > append.began) --behind;
  State::move(append, state.pending, behind);
  return {};
}

void KafkaProducer::take_out(State& state, KafkaAppend& append, KafkaAppends& to) {
  state.records -= append.records().size();
  state.bytes -= append.bytes();
  State::move(append, to, to.end());
}

void KafkaProducer::forget(State& state, KafkaAppend& append) {
  KafkaAppends gone;
  take_out(state, append, gone);
}

void KafkaProducer::wake(State& state) {
  if (!state.client) return;
  const KafkaQueue queue{rd_kafka_queue_get_main(state.client.get())};
  rd_kafka_queue_yield(queue.get());
}

// --- On the thread
// -------------------------------------------------------------------------------------------------------

void KafkaProducer::run() {
  while (serve()) {
  }
}

bool KafkaProducer::serve() {
  rd_kafka_t* client = nullptr;
  auto wait = look_every;
  const auto mode = state_.with([&](State& state) {
    client = state.client.get();  // replaced by this thread alone
    if (!state.waiting.empty()) wait = look_up_pause;
    const bool idle = state.pending.empty() && state.waiting.empty();
    if (state.mode == Mode::stopping && idle) state.mode = Mode::vanishing;
    return state.mode;
  });
  if (mode == Mode::vanishing) {
    end();
    return false;
  }
  if (!client) {
    begin_again();
    return true;
  }
  rd_kafka_poll(client, milliseconds(wait));
  const auto pending = settle();
  if (pending.waiting) look_up_topics();
  if (pending.overdue) answer_overdue();
  if (rd_kafka_fatal_error(client, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) give_up_session();
  return true;
}

void KafkaProducer::delivered(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* /*voice*/) {
  auto* slot = static_cast<KafkaAppend::Slot*>(message->_private);
  KafkaAppend::Report report{slot, message->offset, {}};
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    report.failure = kafka_record_failure(message->err, rd_kafka_message_status(message));
  } else if (message->offset < 0) {
    // The broker called it a duplicate. Whether it is there, only who looks knows.
    report.failure = Failure{Kind::maybe_done, "Kafka took a record for one that it already had and gave no offset"};
  }
  slot->append->reports->push_back(std::move(report));
}

// What was reported in this turn. A topic that turns out to be gone is asked for again next time.
KafkaProducer::Pending KafkaProducer::settle() {
  KafkaAppends over;  // answered and freed after the lock: callers wait for it
  const auto now = clock_.now();
  const auto pending = state_.with([&](State& state) {
    for (auto& report : reports_) {
      auto& append = *report.slot->append;
      open_gate(report, now);
      append.report(report);
      if (report.failure && report.failure->kind == Kind::not_found) state.forget_routes(append);
      const bool overdue = append.reply == nullptr;
      if (overdue ? append.with_the_library() : !append.settled()) continue;
      take_out(state, append, over);
    }
    const auto oldest = now - settings_.append_wait_max;
    const auto is_overdue = [&](const KafkaAppends& those) { return !those.empty() && those.front().began <= oldest; };
    return Pending{.waiting = !state.waiting.empty(),
                   .overdue = is_overdue(state.waiting) || is_overdue(state.pending)};
  });
  reports_.clear();
  Answers answers;
  for (auto& append : over) {
    if (append.reply != nullptr) answers.emplace_back(std::move(append.reply), append.outcome());
  }
  give(std::move(answers));
  return pending;
}

void KafkaProducer::open_gate(const KafkaAppend::Report& report, Instant now) {
  auto& gate = *report.slot->gate;
  if (!report.failure) gate.open_until = now + gate_open_max;
  if (report.slot->opens) gate.opening = false;
}

void KafkaProducer::State::forget_routes(const KafkaAppend& append) {
  for (const auto& record : append.records()) routes.erase(record.topic);
}

void KafkaProducer::answer_overdue() {
  const auto oldest = clock_.now() - settings_.append_wait_max;
  Answers answers;
  state_.with([&](State& state) {
    while (!state.waiting.empty() && state.waiting.front().began <= oldest) {
      auto& append = state.waiting.front();
      auto answer = append.some_may_be_there()
                        ? maybe_written()
                        : fail(Kind::unavailable, "Kafka did not say whether there is such a topic, or did not answer");
      answers.push_back({std::exchange(append.reply, nullptr), std::move(answer)});
      if (append.with_the_library()) {
        State::move(append, state.overdue, state.overdue.end());
      } else {
        forget(state, append);
      }
    }
    while (!state.pending.empty() && state.pending.front().began <= oldest) {
      auto& append = state.pending.front();
      answers.push_back({std::exchange(append.reply, nullptr), maybe_written()});
      State::move(append, state.overdue, state.overdue.end());
    }
  });
  give(std::move(answers));
}

Appended KafkaProducer::maybe_written() {
  return fail(Kind::maybe_done, "Kafka did not acknowledge the records in time, they may be there");
}

void KafkaProducer::give(Answers answers) {
  Reply<Appended>::give_all_from(std::move(answers));
}

// --- Topics that were not seen yet
// ----------------------------------------------------------------------------------------

void KafkaProducer::look_up_topics() {
  Asked asked;
  rd_kafka_t* client = state_.with([&](const State& state) {
    for (const auto& append : state.waiting) {
      for (const auto& record : append.records()) {
        if (!state.route(record)) asked.emplace(record.topic, 0);
      }
    }
    return state.client.get();
  });
  for (auto& [topic, partitions] : asked) partitions = ask_partitions(client, topic, look_up_wait_max);

  Answers answers;
  state_.with([&](State& state) {
    for (const auto& [topic, partitions] : asked) {
      if (!partitions) continue;
      auto& route = state.routes[topic];
      if (!route.handle) route.handle = topic_handle(client, topic);
      route.partitions = *partitions;
    }
    admit(state, asked, answers);
  });
  give(std::move(answers));
}

// In the order of the calls; what must go on waiting holds back what follows it to the same topics.
void KafkaProducer::admit(State& state, const Asked& asked, Answers& answers) {
  for (auto append = state.waiting.begin(); append != state.waiting.end();) {
    auto& current = *append++;
    auto reply = current.reply;
    if (auto refused = absent(state, asked, current)) {
      current.stop(std::move(*refused));
      if (current.with_the_library()) continue;  // answered when that is reported
      answers.push_back({std::move(reply), current.outcome()});
      forget(state, current);
    } else if (!current.handed_over() && state.may_pass(current)) {
      auto passed = hand_over(state, current);
      if (!passed) answers.push_back({std::move(reply), fail(std::move(passed.error()))});
    }
  }
}

// Why it can never pass, once that is certain.
std::optional<Failure> KafkaProducer::absent(const State& state, const Asked& asked, const KafkaAppend& append) const {
  for (const auto& record : append.records()) {
    const auto found = asked.find(record.topic);
    if (state.route(record) || found == asked.end()) continue;
    if (found->second) {
      return Failure{Kind::not_found, fmt::format("topic '{}' has {} partitions and none with the number {}",
                                                  record.topic, *found->second, record.partition)};
    }
    const bool may_appear = may_pass(found->second.error().kind) || clock_.now() - append.began < absent_topic_wait_max;
    if (!may_appear) return found->second.error();
  }
  return std::nullopt;
}

// --- The end of a client
// --------------------------------------------------------------------------------------------------

// After this error the library takes nothing more. What it still holds is purged, and what becomes of it is reported.
void KafkaProducer::give_up_session() {
  std::array<char, 256> why{};
  rd_kafka_t* client = state_.with([](State& state) {
    if (state.mode == Mode::running) state.mode = Mode::rebuilding;
    return state.client.get();
  });
  rd_kafka_fatal_error(client, why.data(), why.size());
  voice_.say(3, fmt::format("the producer is rebuilt after an error that it cannot pass over: {}", why.data()));
  rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  const auto latest = clock_.now() + rebuild_wait_max;
  while (rd_kafka_outq_len(client) > 0 && clock_.now() < latest) {
    rd_kafka_poll(client, milliseconds(look_up_pause));
    settle();
  }
  drop_client();
  begin_again();
}

// Whoever was not answered learns that his records may be there. The library reads key and value until it is gone, so
// the appends go after it.
void KafkaProducer::drop_client() {
  Answers answers;
  KafkaAppends dropped;
  auto client = state_.with([&](State& state) {
    for (auto append = state.waiting.begin(); append != state.waiting.end();) {
      auto& current = *append++;
      if (current.with_the_library()) State::move(current, state.pending, state.pending.end());
    }
    for (auto& append : state.pending) answers.push_back({std::exchange(append.reply, nullptr), maybe_written()});
    for (auto* gone : {&state.pending, &state.overdue}) {
      for (const auto& append : *gone) {
        state.records -= append.records().size();
        state.bytes -= append.bytes();
      }
      dropped.splice(dropped.end(), *gone);
    }
    state.routes.clear();
    state.gates.clear();
    return std::move(state.client);
  });
  give(std::move(answers));
  client.reset();
}

void KafkaProducer::begin_again() {
  auto client = make_client(RD_KAFKA_PRODUCER, producer_properties(settings_), voice_, {.delivered = delivered});
  if (!client) {
    voice_.say(2, fmt::format("there is no producer until the next append asks for one: {}", client.error().sentence));
    state_.wait([](const State& state) { return state.wanted || state.mode != Mode::rebuilding; },
                [](State& state) { state.wanted = false; });
    return;
  }
  state_.with([&](State& state) {
    state.client = std::move(*client);
    if (state.mode == Mode::rebuilding) state.mode = Mode::running;
  });
}

void KafkaProducer::end() {
  drop_client();
  Answers answers;
  state_.with([&](State& state) {
    for (auto& append : state.waiting) {
      auto answer = append.some_may_be_there() ? maybe_written() : fail(Kind::stopping, "the log was closed");
      answers.push_back({std::move(append.reply), std::move(answer)});
    }
    state.waiting.clear();
    state.mode = Mode::ended;
  });
  give(std::move(answers));
}

}  // namespace sluice::log
