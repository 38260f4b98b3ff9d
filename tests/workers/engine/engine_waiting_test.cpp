// A conversation that waits for a dependency: nobody counts the time, nobody asks every second, all go on at once.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/workers/engine/engine_world.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

// Calls a service that can be down.
struct Caller final : Handler {
  explicit Caller(EngineWorld& its_world) : world(its_world) {}

  Task<Outcome> handle(const event::Event& event, Attempt& attempt) override {
    ++runs;
    if (refuses) co_return Outcome{Later{{Kind::unavailable, "not now"}}};
    auto pass = co_await attempt.enter("twilio");
    if (!pass) co_return Outcome{Waiting{"twilio"}};
    ++calls;
    co_await world.world.clock.sleep_for(50ms);
    pass->report(down ? Verdict::sick : Verdict::fine, 50ms);
    if (down) co_return Outcome{Waiting{"twilio"}};
    done.push_back(Script::name_of(event));
    co_return Outcome{engine::Done{}};
  }

  EngineWorld& world;
  bool down = true;
  bool refuses = false;
  int runs = 0;
  int calls = 0;
  std::vector<std::string> done;
};

EngineLimits patient() {
  EngineLimits limits;
  limits.retry.park_max = 2h;
  limits.schedule_look_max = 1h;
  return limits;
}

struct WaitingWorld : EngineWorld {
  WaitingWorld() : EngineWorld(false, patient()) {
    handler = &caller;
    dependencies = &services;
  }
  ~WaitingWorld() {
    if (process) crash();  // while what it uses is there
  }
  WaitingWorld(const WaitingWorld&) = delete;
  WaitingWorld& operator=(const WaitingWorld&) = delete;

  Dependencies services{world.clock, world.random, {{.name = "twilio"}}};
  Caller caller{*this};
};

}  // namespace

TEST_CASE("a conversation that waits for a dependency goes on when it is there again") {
  WaitingWorld world;
  world.start();
  for (int n = 1; n <= 60; ++n) {
    world.send(fmt::format("p{}x", n), 1);
    world.send(fmt::format("p{}x", n), 2);
  }
  world.pass(60s);
  REQUIRE(world.process->engine->figures().parked_lanes == 60);

  SUBCASE("all of them at once and each in order") {
    const int runs_before = world.caller.runs;
    world.pass(1h);
    const int runs = world.caller.runs - runs_before;
    MESSAGE("runs of 60 waiting conversations in an hour: ", runs);
    CHECK(runs >= 50);  // about one probe a minute
    CHECK(runs <= 80);

    world.caller.down = false;
    world.pass(70s);  // until the next probe, and what follows it

    CHECK(world.caller.done.size() == 120);
    CHECK(world.process->engine->figures().parked_lanes == 0);
    CHECK(world.unfinished(world.topics.retry) == 0);
    CHECK(world.read(world.topics.dead).empty());
  }

  SUBCASE("however long its row takes to be written") {
    world.process->database->set_faults({.delay_max = 20s});
    world.pass(1h);
    world.caller.down = false;
    world.pass(20min);

    CHECK(world.caller.done.size() == 120);
    CHECK(world.process->engine->figures().parked_lanes == 0);
  }

  SUBCASE("and no time that it waited counts against it") {
    SUBCASE("in one process") {
      world.pass(10h);
    }
    SUBCASE("nor across a restart") {
      world.pass(5h);
      world.crash();
      world.start();
      world.pass(5h);
    }
    world.caller.refuses = true;  // from now on it fails for reasons of its own
    world.pass(90min);
    CHECK(world.read(world.topics.dead).empty());

    world.pass(5h);
    CHECK(world.read(world.topics.dead).size() >= 1);  // but this time does
  }

  SUBCASE("also when nobody was there to hear of it") {
    world.pass(1h);
    world.crash();
    world.caller.down = false;
    world.start();
    world.pass(70s);

    CHECK(world.caller.done.size() == 120);
  }
}
