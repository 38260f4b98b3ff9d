// One tenant that floods a pool, and the others beside it.
#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/fair_turns.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

EngineLimits narrow(double share) {
  EngineLimits limits;
  limits.partition_records_max = 100;
  limits.running_max = 40;
  limits.tenant_share_max = share;
  return limits;
}

// How long until the small tenant's ten messages are done, which came behind thousands of another one.
Duration until_small_is_done(EngineWorld& world) {
  world.script.otherwise = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 1s); };
  world.start();
  world.send("first", 1, "small");
  world.pass(2s);
  for (int n = 1; n <= 9; ++n) {
    for (int who = 1; who <= 400; ++who) world.send(fmt::format("f{}x", who), n, "flood");
  }
  for (int who = 1; who <= 10; ++who) world.send(fmt::format("s{}x", who), 1, "small");
  const Instant start = world.world.clock.now();
  world.until([&] {
    return std::count_if(world.script.ended.begin(), world.script.ended.end(),
                         [](const std::string& name) { return name[0] == 's'; }) == 10;
  });
  return world.world.clock.now() - start;
}

}  // namespace

TEST_CASE("a tenant that floods does not keep the others waiting") {
  EngineWorld shared{false, narrow(0.25)};
  EngineWorld not_shared{false, narrow(1)};

  const Duration with = until_small_is_done(shared);
  const Duration without = until_small_is_done(not_shared);

  MESSAGE("seconds until ten messages behind 3600 of a flood are done: ", std::chrono::duration<double>(with).count(),
          " with shares and ", std::chrono::duration<double>(without).count(), " without");
  CHECK(with * 3 < without);
  shared.until([&] { return shared.script.ended.size() == 3'611; });
  shared.pass(10s);
  CHECK_FALSE(shared.script.overlapped);
  CHECK(shared.unfinished(shared.topics.main) == 0);
  CHECK(shared.unfinished(shared.topics.retry) == 0);
  CHECK(shared.process->engine->figures().records == 0);
  CHECK(shared.script.began.size() == 3'611);
  for (int who = 1; who <= 400; ++who) {
    std::vector<std::string> own;
    const std::string person = fmt::format("f{}x", who);
    std::copy_if(shared.script.began.begin(), shared.script.began.end(), std::back_inserter(own),
                 [&](const std::string& name) { return name.starts_with(person); });
    REQUIRE(std::is_sorted(own.begin(), own.end()));
  }
}

TEST_CASE("a conversation above its bound goes through retry in order and leaves the window to the others") {
  EngineLimits limits;
  limits.partition_records_max = 100;
  limits.lane_records_max = 20;
  EngineWorld world{false, limits};
  world.script.otherwise = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 1s); };
  const std::string other = people_in(partition_of("a"), 1).front();
  world.start();
  world.send("a", 1);
  world.send(other, 1);
  world.pass(500ms);
  for (int n = 2; n <= 60; ++n) world.send("a", n);
  world.send(other, 2);

  world.until([&] { return world.script.ended.size() == 62; });

  CHECK(world.process->engine->figures().long_lanes > 0);
  CHECK_FALSE(world.script.overlapped);
  std::vector<int> of_a;
  for (const auto& name : world.script.began) {
    if (name[0] == 'a') of_a.push_back(std::stoi(name.substr(1)));
  }
  CHECK(of_a.size() == 60);
  CHECK(std::is_sorted(of_a.begin(), of_a.end()));
  world.pass(10s);
  CHECK(world.unfinished(world.topics.retry) == 0);
}

TEST_CASE("a conversation that is alone stays in memory however long it is") {
  EngineLimits limits;
  limits.lane_records_max = 20;
  EngineWorld world{false, limits};
  world.script.otherwise = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 1s); };
  world.start();
  for (int n = 1; n <= 60; ++n) world.send("a", n);

  world.until([&] { return world.script.ended.size() == 60; });

  CHECK(world.process->engine->figures().long_lanes == 0);
}

TEST_CASE("a tenant that is alone has the whole window") {
  EngineWorld world{false, narrow(0.25)};
  world.script.otherwise = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 1s); };
  world.start();
  for (int who = 1; who <= 400; ++who) world.send(fmt::format("f{}x", who), 1, "flood");
  world.until([&] { return world.script.ended.size() == 400; });

  CHECK(world.read(world.topics.retry).empty());
}

TEST_CASE("a free turn needs no waiting, and none is free before it is given back") {
  FairTurns turns{1};
  auto first = turns.take_free(event::Tenant::standard());
  CHECK(first.has_value());
  CHECK_FALSE(turns.take_free(event::Tenant::standard()).has_value());
  first.reset();
  CHECK(turns.take_free(event::Tenant::standard()).has_value());
}

TEST_CASE("turns go round between tenants and nobody's turn is lost") {
  SimulatedWorld world;
  FairTurns turns{1};
  Scope scope{world.loop};
  std::vector<std::string> order;
  const auto start = [&](std::string_view tenant) {
    scope.start([](FairTurns& its_turns, Clock& clock, event::Tenant whose, std::vector<std::string>& seen) -> Task<> {
      auto turn = co_await its_turns.acquire(whose);
      seen.push_back(whose.text());
      co_await clock.sleep_for(1s);
    }(turns, world.clock, event::Tenant::parse(tenant).value(), order));
  };
  for (int n = 0; n < 4; ++n) start("a");
  for (int n = 0; n < 2; ++n) start("b");
  start("c");

  SUBCASE("each gets one before anybody gets the next") {
    world.run(scope.join());
    CHECK(order == std::vector<std::string>{"a", "b", "c", "a", "b", "a", "a"});
  }
  SUBCASE("those that are cancelled pass theirs on") {
    world.clock.run_for(1500ms);
    scope.cancel();
    world.run(scope.join());
    start("d");
    world.run(scope.join());
    CHECK(order == std::vector<std::string>{"a", "b", "d"});
  }
}
