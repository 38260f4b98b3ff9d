// What the watchdogs and the metrics of an engine say, and what they leave unsaid.
#include <doctest/doctest.h>

#include "common/telemetry/metrics.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/metrics.hpp"
#include "workers/engine/watching.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

// Does not hear that it is cancelled.
Task<Outcome> deaf(Clock& clock, Duration pause) {
  co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation{});
  co_await clock.sleep_for(pause);
  co_return Outcome{engine::Done{}};
}

struct Lines {
  std::string text;
  Logger logger;

  explicit Lines(const Clock& clock) : logger(clock, "test", {}, [this](std::string_view lines) { text += lines; }) {}
  [[nodiscard]] bool say(std::string_view what) {
    logger.flush();
    return text.find(what) != std::string::npos;
  }
  [[nodiscard]] int times(std::string_view what) {
    logger.flush();
    int count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
    return count;
  }
};

}  // namespace

TEST_CASE("a handler that goes on past its deadline is told of once and makes the engine unfit") {
  EngineLimits limits;
  EngineWorld world{false, limits};
  Lines lines{world.world.clock};
  world.told = &lines.logger;
  world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return deaf(world.world.clock, 10min); };
  world.start();
  world.send("a", 1);

  world.pass(64s);
  CHECK(world.process->engine->health().fit);
  world.pass(60s);

  CHECK_FALSE(world.process->engine->health().fit);
  CHECK(world.process->engine->health().detail == "1 handlers past their deadline");
  CHECK(world.process->engine->figures().handlers_late_ever == 1);
  CHECK(lines.say("goes on past its deadline"));
  CHECK(lines.say(message("a", 1).id.text()));
  world.pass(10min);
  CHECK(world.process->engine->health().fit);
  CHECK(world.process->engine->figures().handlers_late == 0);
}

TEST_CASE("the lag is what was written and is not done, also while the handler does not get on with it") {
  EngineLimits limits;
  limits.handler_max = 3h;
  EngineWorld world{false, limits};
  world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 1h); };
  world.start();
  for (int n = 1; n <= 7; ++n) world.send("a", n);
  world.pass(1min);
  CHECK(world.process->engine->figures().lag == 7);

  world.pass(1h);

  CHECK(world.process->engine->figures().lag == 0);
}

TEST_CASE("a watermark that stands still is told of with its partition and offset") {
  EngineLimits limits;
  limits.handler_max = 3h;
  EngineWorld world{false, limits};
  Lines lines{world.world.clock};
  world.told = &lines.logger;
  world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 1h); };
  world.start();
  world.send("a", 1);
  world.pass(9min);
  CHECK(world.process->engine->health().fit);
  CHECK(world.process->engine->figures().watermark_age > 8min);

  world.pass(3min);

  CHECK(world.process->engine->health().detail == "1 partitions whose watermark does not move");
  CHECK(lines.say("a watermark does not move"));
  world.pass(1h);
  CHECK(world.process->engine->health().fit);
  CHECK(world.process->engine->figures().watermark_age == Duration{});
}

TEST_CASE("a partition with nothing to do is no standstill and neither is a parked conversation") {
  EngineWorld world;
  world.script.steps["a1"] = [](const event::Event&, Attempt&) -> Task<Outcome> {
    co_return Outcome{Later{{Kind::unavailable, "not now"}}};
  };
  world.start();
  world.send("a", 1);

  world.pass(3h);

  CHECK(world.process->engine->figures().parked_lanes == 1);
  CHECK(world.process->engine->health().fit);
}

TEST_CASE("a standstill of a loop is what a timer came too late") {
  const Instant due{1h};

  CHECK_FALSE(standstill(due, due, 1s));
  CHECK_FALSE(standstill(due, due + 1s, 1s));
  CHECK(standstill(due, due + 3s, 1s) == Duration{3s});
}

TEST_CASE("a write that the log refuses again and again is told of now and then") {
  EngineWorld world;
  Lines lines{world.world.clock};
  world.told = &lines.logger;
  world.script.otherwise = [](const event::Event& event, Attempt&) -> Task<Outcome> {
    engine::Done done;
    done.outputs.push_back({.to = "dedup", .event = event});  // that topic is not there
    co_return Outcome{std::move(done)};
  };
  world.start();
  world.send("a", 1);

  world.pass(30s);

  CHECK(lines.times("the log refuses an output") == 1);
  CHECK(lines.times("failed, trying again") == 1);
  CHECK(lines.times("there is no partition") == 2);  // both say why
  world.pass(1h);
  CHECK(lines.times("the log refuses an output") > 10);
  CHECK(lines.times("the log refuses an output") < 80);
}

TEST_CASE("the limits are shown at start") {
  EngineWorld world;
  Lines lines{world.world.clock};
  world.told = &lines.logger;
  world.start();
  world.pass(1s);

  CHECK(lines.say("running_max=5000"));
  CHECK(described(EngineLimits{}).find("ladder=60s,300s,1800s,7200s") != std::string::npos);
}

TEST_CASE("metrics follow the figures") {
  Metrics metrics;
  SeededRandom random{1};
  SimulatedWorld time;
  Dependencies dependencies{time.clock, random, {{.name = "twilio"}}};
  EngineMetrics shown{metrics, "classify"};
  EngineFigures figures;
  figures.running = 7;
  figures.finished = 100;
  figures.tries[1] = 3;

  shown.show(figures, &dependencies);
  figures.finished = 150;
  figures.running = 2;
  shown.show(figures, &dependencies);

  const auto text = metrics.exposition();
  CHECK(text.find("sluice_engine_running{pool=\"classify\"} 2") != std::string::npos);
  CHECK(text.find("sluice_engine_finished_total{pool=\"classify\"} 150") != std::string::npos);
  CHECK(text.find("sluice_engine_tries_total{outcome=\"later\",pool=\"classify\"} 3") != std::string::npos);
  CHECK(text.find("sluice_engine_tries_total{outcome=\"failed\",pool=\"classify\"} 0") != std::string::npos);
  CHECK(text.find("sluice_engine_dependency_open{dependency=\"twilio\",pool=\"classify\"} 0") != std::string::npos);
}

TEST_CASE("an engine shows its metrics while it works") {
  Metrics metrics;
  EngineWorld world;
  world.metrics = &metrics;
  world.start();
  world.send("a", 1);
  world.pass(5s);

  const auto text = metrics.exposition();
  CHECK(text.find("sluice_engine_finished_total{pool=\"classify\"} 1") != std::string::npos);
  CHECK(text.find("sluice_engine_tries_total{outcome=\"done\",pool=\"classify\"} 1") != std::string::npos);
  CHECK(text.find("sluice_engine_partitions{pool=\"classify\"} 4") != std::string::npos);
}
