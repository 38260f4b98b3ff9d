#include "tests/workers/engine/engine_world.hpp"

#include <doctest/doctest.h>

#include "tests/support/event_record.hpp"

namespace sluice::engine {

event::Event message(std::string_view who, int n, std::string_view tenant) {
  const auto whose = event::Tenant::parse(tenant).value();
  const event::OurAddress ours{event::Address::parse("whatsapp:+31201234567").value()};
  const event::TheirAddress theirs{event::Address::parse(fmt::format("messenger:{}", who)).value()};
  return event::root_event({.source = event::Source::twilio,
                            .account = "AC1",
                            .provider_id = event::message_id(fmt::format("SM{}{}{}", tenant, who, n)),
                            .kind = event::Known::message_received,
                            .key = event::InboundKey{whose, ours, theirs},
                            .time = event::Time{std::chrono::milliseconds{1'790'000'000'000}},
                            .data = event::Json::Object{{"name", fmt::format("{}{}", who, n)}}});
}

log::Outgoing record_of(const event::Event& event, const std::string& topic) {
  return event_record(event, topic, test_partitions);
}

std::int32_t partition_of(std::string_view who) {
  return record_of(message(who, 1), "t").partition;
}

std::vector<std::string> people_in(std::int32_t partition, std::size_t count) {
  std::vector<std::string> people;
  for (char letter = 'b'; people.size() < count; ++letter) {
    REQUIRE(letter <= 'z');
    const std::string who(1, letter);
    if (partition_of(who) == partition) people.push_back(who);
  }
  return people;
}

std::string Script::name_of(const event::Event& event) {
  return *event.data.find("name")->text();
}

Task<Outcome> Script::handle(const event::Event& event, Attempt& attempt) {
  const std::string name = name_of(event);
  const std::string person = event::text_of(event.key);
  began.push_back(name);
  if (++running_of[person] > 1) overlapped = true;
  const auto step = steps.find(name);
  Outcome outcome = Done{};
  if (step != steps.end()) {
    outcome = co_await step->second(event, attempt);
  } else if (otherwise) {
    outcome = co_await otherwise(event, attempt);
  }
  --running_of[person];
  ended.push_back(name);
  co_return outcome;
}

Task<Outcome> output_to_send(const event::Event& event, Attempt& /*attempt*/) {
  const auto key = std::get<event::InboundKey>(event.key);
  engine::Done done;
  done.outputs.push_back(
      {.to = "send",
       .event = event::child_event(event, {.pool = "classify",
                                           .kind = event::Known::reply_drafted,
                                           .key = event::minted_conversation(key),
                                           .time = event.time,
                                           .data = event::Json::Object{{"name", Script::name_of(event)}}})});
  co_return Outcome{std::move(done)};
}

Task<Outcome> done_after(Clock& clock, Duration pause) {
  co_await clock.sleep_for(pause);
  co_return Outcome{Done{}};
}

Script::Step slow(EngineWorld& world, Duration pause) {
  return [&world, pause](const event::Event&, Attempt&) { return done_after(world.world.clock, pause); };
}

Script::Step failing(int times, const char* sentence) {
  auto left = std::make_shared<int>(times);
  return [left, sentence](const event::Event&, Attempt&) -> Task<Outcome> {
    return [](std::shared_ptr<int> count, const char* why) -> Task<Outcome> {
      if ((*count)-- > 0) co_return Outcome{Later{{Kind::unavailable, why}}};
      co_return Outcome{engine::Done{}};
    }(left, sentence);
  };
}

EngineWorld::EngineWorld(bool atomic, EngineLimits its_limits)
    : broker(world.loop, world.clock, world.random), limits(std::move(its_limits)) {
  if (atomic) {
    broker.options().apply = [this](const db::Batch& changes) -> sluice::Done {
      auto rows = store.run_now(changes);
      if (!rows) return fail(std::move(rows).error());
      return {};
    };
  }
  outside = broker.open("outside");
  db::SimulatedDatabase database{store, world.loop, world.clock, world.random};
  world.run(store::migrate(database, world.clock)).value();
  world.run(database.close());
  for (const auto& topic : {topics.main, topics.retry, topics.dead}) {
    REQUIRE(world.run(outside->create_topics({{.name = topic, .partitions = test_partitions}})));
  }
  for (const char* pool : {"send", "crm"}) {
    const auto to = event::main_topic_of("sluice", pool);
    REQUIRE(world.run(outside->create_topics({{.name = to, .partitions = test_partitions}})));
  }
}

EngineWorld::~EngineWorld() {
  if (process) crash();
  world.run(outside->close());
}

void EngineWorld::start() {
  process = std::make_unique<Process>();
  process->log = broker.open("process");
  process->database = std::make_unique<db::SimulatedDatabase>(store, world.loop, world.clock, world.random);
  process->engine = std::make_unique<Engine>(spec, handler != nullptr ? *handler : script,
                                             EngineParts{.loop = world.loop,
                                                         .clock = world.clock,
                                                         .random = world.random,
                                                         .log = *process->log,
                                                         .database = *process->database,
                                                         .logger = told == nullptr ? logger : *told,
                                                         .dependencies = dependencies,
                                                         .metrics = metrics,
                                                         .owner = "test"},
                                             limits);
  process->scope = std::make_unique<Scope>(world.loop);
  process->scope->start(process->engine->run());
}

void EngineWorld::stop() {
  process->engine->stop();
  world.run(process->scope->join());
  world.run(process->log->close());
  world.run(process->database->close());
  process.reset();
}

void EngineWorld::crash() {
  process->log->crash(log::AfterCrash::silent);
  process->database->crash();
  process->scope->cancel();
  world.run(process->scope->join());
  process.reset();
  for (auto& [person, running] : script.running_of) running = 0;
}

void EngineWorld::send(std::string_view who, int n, std::string_view tenant) {
  send_raw(record_of(message(who, n, tenant), topics.main));
}

void EngineWorld::send_raw(log::Outgoing record) {
  std::vector<log::Outgoing> one;
  one.push_back(std::move(record));
  world.run(outside->append(std::move(one))).value();
}

void EngineWorld::until(const std::function<bool()>& condition, Duration limit) {
  world.clock.run_until(condition, limit);
}

log::Offset EngineWorld::unfinished(const std::string& topic) {
  log::Offset sum = 0;
  for (int number = 0; number < test_partitions; ++number) {
    const log::Partition partition{topic, number};
    const auto span = world.run(outside->span(partition)).value();
    const auto committed = world.run(outside->committed("sluice.classify", partition)).value();
    sum += log::lag(span, committed);
  }
  return sum;
}

std::vector<log::Record> EngineWorld::read(const std::string& topic) {
  std::vector<log::Record> all;
  for (int number = 0; number < test_partitions; ++number) {
    auto some = world.run(outside->read({topic, number}, 0, {})).value();
    for (auto& record : some) all.push_back(std::move(record));
  }
  return all;
}

}  // namespace sluice::engine
