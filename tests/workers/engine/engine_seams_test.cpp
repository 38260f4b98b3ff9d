// Where two parts of the engine meet: a hand-over while something waits, a stop while it joins, an answer that comes
// late. Each of these once lost an event, its order or its end.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/dependency.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

EngineLimits one_at_a_time() {
  EngineLimits limits;
  limits.running_max = 1;
  return limits;
}

// Leaves for the schedule at its first run, for a moment that is almost now.
Task<Outcome> soon(Clock& clock, int& runs) {
  if (++runs == 1) co_return Outcome{At{clock.wall() + 5ms}};
  co_return Outcome{engine::Done{}};
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("the engine's parts fit together", Atomic, engine_seams) {
  SUBCASE("an event that waits for its turn at a stop is left to the next process") {
    EngineWorld world{Atomic::value, one_at_a_time()};
    world.script.steps["a1"] = slow(world, 3s);
    world.start();
    world.send("a", 1);
    world.pass(1s);
    world.send("b", 1);
    world.pass(1s);

    world.stop();
    CHECK(world.script.began == Names{"a1"});
    world.start();
    world.until([&] { return world.script.ended.size() == 2; });
    world.pass(1s);

    CHECK(world.script.began == Names{"a1", "b1"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a stop ends when the last event does") {
    EngineWorld world{Atomic::value};
    world.script.steps["a1"] = slow(world, 3s);
    world.start();
    world.send("a", 1);
    world.pass(1s);
    const Instant before = world.world.clock.now();

    world.stop();

    CHECK(world.world.clock.now() - before < 5s);
    CHECK(world.script.ended == Names{"a1"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a stop waits until what is done is durable") {
    EngineWorld world{Atomic::value};
    world.start();
    world.pass(1s);
    log::FaultRates rates;
    rates.usual_min = rates.usual_max = 500ms;
    world.broker.network().faults.set(rates);
    world.script.otherwise = [](const event::Event&, Attempt&) -> Task<Outcome> {
      co_return Outcome{Never{{Kind::invalid, "it can never work"}}};
    };
    world.send("a", 1);
    world.until([&] { return world.script.ended.size() == 1; });

    world.stop();
    world.start();
    world.pass(30s);

    CHECK(world.script.ended == Names{"a1"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a stop that comes while the engine joins its group ends") {
    EngineWorld world{Atomic::value};
    world.start();

    world.stop();

    CHECK(world.script.began.empty());
  }

  SUBCASE("what fires before the lane knows that it left comes back all the same") {
    EngineWorld world{Atomic::value};
    constexpr int events = 30;
    std::vector<int> runs(events);
    for (int n = 0; n < events; ++n) {
      world.script.steps[fmt::format("p{}x1", n)] = [&runs, n](const event::Event&, Attempt& attempt) {
        return soon(attempt.clock(), runs[static_cast<std::size_t>(n)]);
      };
    }
    log::FaultRates rates;
    rates.usual_max = 50ms;
    world.broker.network().faults.set(rates);
    world.start();
    world.process->database->set_faults({.delay_max = 50ms});
    for (int n = 0; n < events; ++n) world.send(fmt::format("p{}x", n), 1);

    world.pass(2min);

    CHECK(std::all_of(runs.begin(), runs.end(), [](int count) { return count == 2; }));
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("what an earlier owner sends late into retry keeps the order of its conversation") {
    EngineWorld world{Atomic::value};
    world.script.steps["a1"] = slow(world, 5s);
    world.start();
    for (int n = 1; n <= 3; ++n) world.send("a", n);
    world.pass(1s);

    for (int n = 1; n <= 2; ++n) world.send_raw(record_of(message("a", n), world.topics.retry));
    world.send("a", 4);
    world.until([&] { return std::count(world.script.ended.begin(), world.script.ended.end(), "a4") == 1; });
    world.pass(2s);

    CHECK_FALSE(world.script.overlapped);
    CHECK(world.script.ended == Names{"a1", "a1", "a2", "a3", "a4"});  // a1 again: nobody knew that it had moved
    CHECK(world.unfinished(world.topics.main) == 0);
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("a letter that may have been written is written again") {
    EngineWorld world{Atomic::value};
    world.start();
    world.pass(1s);
    world.send_raw({.topic = world.topics.main, .partition = 0, .key = "k", .value = "no JSON"});
    world.broker.network().faults.strike_next(log::Fault::maybe_not, 2);

    world.pass(30s);

    CHECK(world.read(world.topics.dead).size() == 1);
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("slow calls of one tenant take nobody else's place") {
    EngineWorld world{Atomic::value};
    Dependencies dependencies{world.world.clock, world.world.random, {{.name = "model", .concurrency_start = 1}}};
    auto first = world.world.run(
        dependencies.enter("model", event::Tenant::parse("one").value(), world.world.clock.now() + 10s));
    REQUIRE(first.has_value());

    const Instant before = world.world.clock.now();
    auto other = world.world.run(dependencies.enter("model", event::Tenant::parse("other").value(), before + 10s));

    CHECK(other.has_value());
    CHECK(world.world.clock.now() == before);
  }
}

TEST_CASE_TEMPLATE_INVOKE(engine_seams, WithoutTransactions, WithTransactions);
