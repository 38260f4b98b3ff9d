#include "tests/bench/engine_load.hpp"

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/store/migrations.hpp"

namespace sluice::bench {
namespace {

const std::string words(200, 'w');

Task<engine::Outcome> nothing() {
  co_return engine::Outcome{engine::Done{}};
}

Task<engine::Outcome> a_draft(const event::Event& event) {
  engine::Done done;
  done.outputs.push_back(
      {.to = "send",
       .event = event::child_event(event, {.pool = "classify",
                                           .kind = event::Known::reply_drafted,
                                           .key = event::minted_conversation(std::get<event::InboundKey>(event.key)),
                                           .time = event.time,
                                           .data = event::Json::Object{{"text", words}}})});
  co_return engine::Outcome{std::move(done)};
}

Task<engine::Outcome> later_done(Clock& clock, Duration pause) {
  co_await clock.sleep_for(pause);
  co_return engine::Outcome{engine::Done{}};
}

Task<> look_until(Clock& clock, const std::function<bool()>& reached) {
  constexpr std::chrono::milliseconds pause{1};
  while (!reached()) co_await clock.sleep_for(pause);
}

}  // namespace

event::Event bench_message(int n, int conversations, const event::Tenant& tenant) {
  const event::OurAddress ours{event::Address::parse("whatsapp:+31201234567").value()};
  const event::TheirAddress theirs{
      event::Address::parse(fmt::format("whatsapp:+3161{:07}", n % conversations)).value()};
  return event::root_event({.source = event::Source::twilio,
                            .account = "AC1",
                            .provider_id = event::message_id(fmt::format("SM{}", n)),
                            .kind = event::Known::message_received,
                            .key = event::InboundKey{tenant, ours, theirs},
                            .time = event::Time{std::chrono::milliseconds{1'790'000'000'000}},
                            .data = event::Json::Object{{"text", words}}});
}

BenchHandler::Work no_outputs() {
  return [](const event::Event&, engine::Attempt&) { return nothing(); };
}

BenchHandler::Work one_output() {
  return [](const event::Event& event, engine::Attempt&) { return a_draft(event); };
}

BenchHandler::Work after(Duration pause) {
  return [pause](const event::Event&, engine::Attempt& attempt) { return later_done(attempt.clock(), pause); };
}

EmbeddedLoad::EmbeddedLoad() {
  run_task(loop, store::migrate(*database, clock)).value();
  std::vector<log::TopicSpec> specs;
  for (const auto& name : {topics.main, topics.retry, topics.dead, event::main_topic_of("sluice", "send")})
    specs.push_back({.name = name, .partitions = event::partitions_per_topic});
  ENSURE(run_task(loop, log->create_topics(std::move(specs))).has_value(), "the topics are made");
}

EmbeddedLoad::~EmbeddedLoad() {
  if (engine_) stop();
  run_task(loop, log->close());
  run_task(loop, database->close());
  file->close();
}

void EmbeddedLoad::fill(const std::string& topic, int count, int conversations) {
  constexpr int batch_max = 1'000;
  for (int n = 0; n < count;) {
    std::vector<log::Outgoing> batch;
    for (; n < count && static_cast<int>(batch.size()) < batch_max; ++n)
      batch.push_back(event_record(bench_message(n, conversations), topic));
    run_task(loop, log->append(std::move(batch))).value();
  }
}

void EmbeddedLoad::start(BenchHandler::Work work, const engine::EngineLimits& limits) {
  handler_ = std::make_unique<BenchHandler>(std::move(work));
  engine_ = std::make_unique<engine::Engine>(engine::PoolSpec{.name = "classify"}, *handler_,
                                             engine::EngineParts{.loop = loop,
                                                                 .clock = clock,
                                                                 .random = random,
                                                                 .log = *log,
                                                                 .database = *database,
                                                                 .logger = logger,
                                                                 .owner = "bench"},
                                             limits);
  scope_ = std::make_unique<Scope>(loop);
  scope_->start(engine_->run());
}

void EmbeddedLoad::until(const std::function<bool()>& reached) {
  run_task(loop, look_until(clock, reached));
}

void EmbeddedLoad::stop() {
  engine_->stop();
  run_task(loop, scope_->join());
  scope_.reset();
  engine_.reset();
}

}  // namespace sluice::bench
