#include "common/log/kafka_member.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/log/kafka_errors.hpp"
#include "common/log/kafka_records.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

constexpr auto turn_wait_max = 100ms;       // a heart beats beside us; this is for our own times
constexpr auto short_turn_wait_max = 10ms;  // while something with a deadline is under way
constexpr auto committed_wait_max = 1'000ms;
constexpr auto leave_wait_max = 5'000ms;  // beyond what the owner may take at a revocation
constexpr std::size_t turn_records_max = 1'024;

std::string name_of(const Partition& partition) {
  return fmt::format("{}/{}", partition.topic, partition.number);
}

}  // namespace

Result<std::shared_ptr<KafkaMember>> KafkaMember::join(Loop& loop, const Clock& clock, const KafkaSettings& settings,
                                                       const KafkaVoice& voice, const Subscription& subscription) {
  auto member = std::make_shared<KafkaMember>(loop, clock, settings, voice, subscription);
  auto begun = member->begin();
  if (!begun) return fail(std::move(begun.error()));
  return member;
}

KafkaMember::KafkaMember(Loop& loop, const Clock& clock, const KafkaSettings& settings, const KafkaVoice& voice,
                         const Subscription& subscription)
    : clock_(clock),
      settings_(settings),
      voice_(voice),
      subscription_(subscription),
      handover_(std::make_shared<KafkaHandover>(loop, clock, subscription, [this] { wakeup_.poke(); })),
      commits_(clock, settings.request_wait_max) {}

KafkaMember::~KafkaMember() {
  abandon();
  thread_.join();
}

Done KafkaMember::begin() {
  constexpr int events = RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR;
  auto made = make_client(RD_KAFKA_CONSUMER, member_properties(settings_, subscription_), voice_, {.events = events});
  if (!made) return fail(std::move(made.error()));
  client_ = std::move(*made);
  rd_kafka_poll_set_consumer(client_.get());
  group_queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  wakeup_.watch(group_queue_.get(), KafkaWakeup::group);
  const auto topics = new_partitions(subscription_.topics.size());
  for (const auto& topic : subscription_.topics) {
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const auto error = rd_kafka_subscribe(client_.get(), topics.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(error, "subscribing"));
  thread_ = Thread{"kafka-member", [this] { run(); }};
  return {};
}

// --- From any thread
// -----------------------------------------------------------------------------------------------------

void KafkaMember::commit(std::vector<Commit> commits, std::shared_ptr<Reply<Done>> reply) {
  const bool taken = requests_.with([&](Requests& requests) {
    if (!requests.ended) requests.commits.push_back({std::move(commits), reply});
    return !requests.ended;
  });
  if (!taken) return reply->give(fail(Kind::stale, "this member has left its group"));
  wakeup_.poke();
}

void KafkaMember::close() {
  requests_.with([](Requests& requests) { requests.close = true; });
  wakeup_.poke();
}

void KafkaMember::abandon() {
  requests_.with([](Requests& requests) { requests.abandon = true; });
  wakeup_.poke();
}

// --- The thread's turns
// --------------------------------------------------------------------------------------------------

void KafkaMember::run() {
  while (serve()) {
  }
  end();
}

bool KafkaMember::serve() {
  for (const auto name : wakeup_.wait(wait_max())) {
    if (const auto source = sources_.find(name); source != sources_.end()) source->second.maybe_more = true;
  }
  if (!obey()) return false;
  serve_group();
  if (phase_ == Phase::assigning) try_to_assign();
  commits_.send(client_.get(), group_queue_.get());
  more_to_read_ = phase_ == Phase::assigned && serve_sources();
  if (!cut_off_.empty() && phase_ == Phase::assigned) begin_anew();
  keep_times();
  if (!close_deadline_) return true;
  return rd_kafka_consumer_closed(client_.get()) == 0 && clock_.now() < *close_deadline_ && phase_ != Phase::broken;
}

std::chrono::milliseconds KafkaMember::wait_max() const {
  if (more_to_read_) return 0ms;
  const bool short_turns = phase_ == Phase::assigning || phase_ == Phase::revoking || close_deadline_;
  return short_turns ? short_turn_wait_max : turn_wait_max;
}

// What the owner asked for. A commit counts if its partition was still ours when it was asked for.
bool KafkaMember::obey() {
  auto requests = requests_.with(
      [](Requests& all) { return Requests{std::exchange(all.commits, {}), all.close, all.abandon, false}; });
  if (requests.abandon) return false;
  for (auto& [commits, reply] : requests.commits) {
    const bool current = std::ranges::all_of(
        commits, [this](const Commit& commit) { return handover_->is_current(commit.partition, commit.epoch); });
    if (current) {
      commits_.take({std::move(commits), std::move(reply)});
    } else {
      reply->give_from(fail(Kind::stale, "a partition of the commit has gone to another owner"));
    }
  }
  if (requests.close && !close_deadline_) begin_to_close();
  return true;
}

void KafkaMember::serve_group() {
  for (;;) {
    const KafkaEvent event{rd_kafka_queue_poll(group_queue_.get(), 0)};
    if (!event) return;
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_REBALANCE:
        rebalance(event.get());
        break;
      case RD_KAFKA_EVENT_OFFSET_COMMIT:
        commits_.answered(event.get());
        commits_.send(client_.get(), group_queue_.get());
        break;
      case RD_KAFKA_EVENT_ERROR:
        hear_error(event.get());
        break;
      case RD_KAFKA_EVENT_FETCH:
        ENSURE(false, "every assigned partition is read through its own queue");
        break;
      default:
        break;
    }
  }
}

void KafkaMember::hear_error(rd_kafka_event_t* event) {
  const auto error = rd_kafka_event_error(event);
  const auto sentence = fmt::format("group '{}': {}", subscription_.group, rd_kafka_event_error_string(event));
  voice_.warn(sentence);
  auto failure = kafka_failure(error, sentence);
  const bool fatal = rd_kafka_fatal_error(client_.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
  if ((fatal || failure.kind == Kind::denied) && !close_deadline_) give_up(std::move(failure));
}

// --- Whose partitions are whose
// ------------------------------------------------------------------------------------------

void KafkaMember::rebalance(rd_kafka_event_t* event) {
  const bool assigns = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  if (phase_ == Phase::broken || (assigns && close_deadline_)) {
    rd_kafka_assign(client_.get(), nullptr);
  } else if (assigns) {
    to_assign_.reset(rd_kafka_topic_partition_list_copy(rd_kafka_event_topic_partition_list(event)));
    phase_ = Phase::assigning;
  } else {
    revoke();
  }
}

void KafkaMember::revoke() {
  to_assign_.reset();
  if (rd_kafka_assignment_lost(client_.get()) != 0) {
    voice_.warn(fmt::format("group '{}' has given our partitions to others", subscription_.group));
    return take_away();
  }
  if (phase_ != Phase::assigned || sources_.empty()) return take_away();
  phase_ = Phase::revoking;
  revoke_deadline_ = clock_.now() + subscription_.revoke_wait_max;
  sources_.clear();
  handover_->revoke(revoke_deadline_);
}

// Where to go on is asked of the group until it answers: beginning anywhere else would skip or repeat.
void KafkaMember::try_to_assign() {
  if (rd_kafka_assignment_lost(client_.get()) != 0) return take_away();
  const KafkaPartitions partitions{rd_kafka_topic_partition_list_copy(to_assign_.get())};
  auto error = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (partitions->cnt > 0) {
    error = rd_kafka_committed(client_.get(), partitions.get(), static_cast<int>(committed_wait_max.count()));
  }
  for (int i = 0; i < partitions->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) error = partitions->elems[i].err;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return assign(partitions.get());
  auto failure = kafka_failure(error, fmt::format("asking group '{}' where to go on", subscription_.group));
  voice_.warn(failure.sentence);
  if (!kafka_passes_soon(error)) give_up(std::move(failure));
}

void KafkaMember::assign(rd_kafka_topic_partition_list_t* partitions) {
  to_assign_.reset();
  std::vector<KafkaHandover::Start> starts;
  for (int i = 0; i < partitions->cnt; ++i) {
    auto& element = partitions->elems[i];
    const Partition partition{element.topic, element.partition};
    auto committed = cut_off_.contains(partition) ? std::nullopt : committed_at(element);
    element.offset = committed ? committed->watermark : RD_KAFKA_OFFSET_BEGINNING;

    auto& source = sources_[++last_name_];
    source.partition = partition;
    source.next = committed ? committed->watermark : 0;
    source.queue.reset(rd_kafka_queue_get_partition(client_.get(), element.topic, element.partition));
    ENSURE(source.queue != nullptr, "a partition of ours has a queue");
    rd_kafka_queue_forward(source.queue.get(), nullptr);
    wakeup_.watch(source.queue.get(), last_name_);
    starts.emplace_back(partition, std::move(committed));
  }
  cut_off_.clear();
  phase_ = Phase::assigned;
  if (!starts.empty()) handover_->assign(std::move(starts));
  const auto error = rd_kafka_assign(client_.get(), partitions);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(kafka_failure(error, "reading what was assigned"));
}

void KafkaMember::take_away() {
  sources_.clear();
  to_assign_.reset();
  cut_off_.clear();
  handover_->take_away();
  if (phase_ != Phase::broken) phase_ = Phase::idle;
  rd_kafka_assign(client_.get(), nullptr);
}

// --- Records
// -------------------------------------------------------------------------------------------------------------

// True when something may be left that there is room for.
bool KafkaMember::serve_sources() {
  bool more = false;
  for (auto& [name, source] : sources_) {
    if (source.maybe_more || source.held) more |= read(source);
  }
  return more;
}

bool KafkaMember::read(Source& source) {
  const auto room = handover_->room(source.partition, source.held ? source.held->bytes() : 0);
  if (room.records == 0) return false;  // we are poked when there is room again
  KafkaHandover::Batch batch;
  if (source.held) {
    batch.bytes += source.held->bytes();
    batch.records.push_back(std::move(*source.held));
    source.held.reset();
  }
  while (batch.records.size() < std::min(room.records, turn_records_max)) {
    const KafkaMessage message{rd_kafka_consume_queue(source.queue.get(), 0)};
    source.maybe_more = message != nullptr;
    if (!message) seen_empty(source);
    if (!message || !take(source, *message, room, batch)) break;
  }
  if (cut_off_.contains(source.partition)) return false;
  if (!batch.records.empty() || batch.end) handover_->put(source.partition, std::move(batch));
  return source.maybe_more;
}

// The library stops fetching when its queue is full, and looks again whether there is room only when something else
// wakes it, or after a second. A seek to where we stand wakes it; there is nothing in the queue that it could drop.
void KafkaMember::seen_empty(Source& source) {
  const bool was_perhaps_full = source.run_bytes >= settings_.prefetch_bytes_max / 2;
  source.run_bytes = 0;
  if (!was_perhaps_full) return;
  const auto list = new_partitions(1);
  const auto& [topic, number] = source.partition;
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), number)->offset = source.next;
  const KafkaError error{rd_kafka_seek_partitions(client_.get(), list.get(), 0)};
  if (error)
    voice_.warn(fmt::format("reading on {}: {}", name_of(source.partition), rd_kafka_error_string(error.get())));
}

// False when the batch is to be given as it is.
bool KafkaMember::take(Source& source, const rd_kafka_message_t& message, KafkaHandover::Room room,
                       KafkaHandover::Batch& batch) {
  const bool at_end = message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR && !at_end) {
    voice_.warn(fmt::format("reading {}: {}", name_of(source.partition), rd_kafka_message_errstr(&message)));
    return true;
  }
  if (message.offset < source.next) {
    voice_.warn(fmt::format("{}: offset {} is gone, reading begins again at {}; the topic was truncated or made anew",
                            name_of(source.partition), source.next, message.offset));
    cut_off_.insert(source.partition);
    return false;
  }
  if (at_end) {
    source.next = message.offset;
    if (std::exchange(source.end, message.offset) != message.offset) batch.end = message.offset;
    return true;
  }
  auto record = record_of(message, scratch_);
  source.next = message.offset + 1;
  source.end.reset();
  source.run_bytes += record.bytes();
  const bool fits = batch.bytes + record.bytes() <= room.bytes || (room.first && batch.records.empty());
  if (!fits) {
    source.held.emplace(std::move(record));
    return false;
  }
  batch.end.reset();
  batch.bytes += record.bytes();
  batch.records.push_back(std::move(record));
  return true;
}

// What a topic holds ends below a watermark: it was cut off or made anew, and the library has gone to its beginning.
// All that we have is assigned again, since the partitions of one number go together.
void KafkaMember::begin_anew() {
  rd_kafka_topic_partition_list_t* all = nullptr;
  const auto error = rd_kafka_assignment(client_.get(), &all);
  KafkaPartitions ours{all};
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return give_up(kafka_failure(error, "asking what is assigned"));
  auto cut_off = std::exchange(cut_off_, {});
  take_away();
  cut_off_ = std::move(cut_off);
  to_assign_ = std::move(ours);
  phase_ = Phase::assigning;
}

// --- Deadlines and the end
// ------------------------------------------------------------------------------------------------

void KafkaMember::keep_times() {
  const auto now = clock_.now();
  commits_.answer_overdue();
  if (phase_ == Phase::revoking) {
    const bool finished = handover_->all_released() && commits_.idle();
    const bool gone = rd_kafka_assignment_lost(client_.get()) != 0;
    if (finished || gone || now >= revoke_deadline_) take_away();
  }
  const auto unattended_since = handover_->unattended_since();
  const bool watched = phase_ != Phase::broken && !close_deadline_;
  if (watched && unattended_since && now - *unattended_since > settings_.unattended_max) {
    give_up(
        Failure{Kind::timed_out, fmt::format("a member of group '{}' gave up its partitions: its owner has asked for "
                                             "nothing for {} ms",
                                             subscription_.group, settings_.unattended_max.count())});
  }
}

void KafkaMember::begin_to_close() {
  close_deadline_ = clock_.now() + subscription_.revoke_wait_max + leave_wait_max;
  if (phase_ == Phase::broken) return;
  if (phase_ == Phase::assigning) take_away();
  leaves_ = true;
  const KafkaError error{rd_kafka_consumer_close_queue(client_.get(), group_queue_.get())};
  if (error)
    voice_.warn(fmt::format("leaving group '{}': {}", subscription_.group, rd_kafka_error_string(error.get())));
}

// The partitions go back to the group at once; the owner learns why and closes when he likes.
void KafkaMember::give_up(Failure failure) {
  if (phase_ == Phase::broken) return;
  phase_ = Phase::broken;
  voice_.say(3, failure.sentence);
  commits_.refuse_all(Failure{Kind::stale, "the member gave up its partitions"});
  take_away();
  handover_->tell(Broken{std::move(failure)});
  leaves_ = true;
  const KafkaError ignored{rd_kafka_consumer_close_queue(client_.get(), group_queue_.get())};
}

void KafkaMember::end() {
  auto left = requests_.with([](Requests& requests) {
    requests.ended = true;
    return std::exchange(requests.commits, {});
  });
  const Failure gone{Kind::stale, "this member has left its group"};
  for (auto& [commits, reply] : left) reply->give_from(fail(gone));
  commits_.refuse_all(gone);
  sources_.clear();
  handover_->take_away();
  handover_->tell(Closed{});
  if (leaves_) finish_leaving();
  group_queue_.reset();
  client_.reset();
  ended_ = true;
}

// A client that is destroyed after it began to leave waits for ever for our answer to a rebalance that it has told of.
void KafkaMember::finish_leaving() {
  const auto latest = clock_.now() + leave_wait_max;
  bool is_asked = phase_ == Phase::revoking;
  while (rd_kafka_consumer_closed(client_.get()) == 0 && clock_.now() < latest) {
    if (is_asked) rd_kafka_assign(client_.get(), nullptr);
    const KafkaEvent event{rd_kafka_queue_poll(group_queue_.get(), static_cast<int>(short_turn_wait_max.count()))};
    is_asked = event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE;
  }
}

}  // namespace sluice::log
