// What happens when most events of a tenant die of one mistake, and when somebody pauses a tenant or everybody.
#include <algorithm>

#include <doctest/doctest.h>

#include "common/store/pauses.hpp"
#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/dead_rate.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

constexpr int letters_min = 5;

EngineLimits small_rate() {
  EngineLimits limits;
  limits.dead_rate.letters_min = letters_min;
  return limits;
}

// Everything of the tenant "bad" dies, unless it was mended.
struct Bad {
  bool mended = false;
  std::uint32_t tries_seen = 0;

  Script::Step step() {
    return [this](const event::Event& event, Attempt& attempt) { return answer(*this, event, attempt); };
  }
  static Task<Outcome> answer(Bad& bad, const event::Event& event, Attempt& attempt) {
    const bool dies = !bad.mended && event.tenant.text() == "bad";
    if (dies) bad.tries_seen = std::max(bad.tries_seen, attempt.tries_before());
    if (dies) co_return Outcome{Never{{Kind::invalid, fmt::format("template {} is gone", event.id.text())}, "63016"}};
    co_return Outcome{engine::Done{}};
  }
};

template <class T>
T with_database(EngineWorld& world, const std::function<Task<T>(db::Database&)>& work) {
  db::SimulatedDatabase database{world.store, world.world.loop, world.world.clock, world.world.random};
  auto result = world.world.run(work(database));
  world.world.run(database.close());
  return result;
}

std::vector<store::Pause> pauses(EngineWorld& world) {
  return with_database<Result<store::Pauses>>(world,
                                              [](db::Database& database) { return store::load_pauses(database); })
      .value()
      .all();
}

std::size_t count(const std::vector<std::string>& names, std::string_view person) {
  return static_cast<std::size_t>(
      std::ranges::count_if(names, [&](const std::string& name) { return name.starts_with(person); }));
}

const event::Tenant bad_tenant = event::Tenant::parse("bad").value();

}  // namespace

TEST_CASE("the rate counts one mistake of one tenant within a minute") {
  DeadRate rate{{}};
  const Instant start{1h};

  SUBCASE("the fiftieth letter trips and is not counted") {
    for (int n = 0; n < 49; ++n) CHECK_FALSE(rate.trips("a", "f", start));
    CHECK(rate.trips("a", "f", start));
    CHECK(rate.trips("a", "f", start));
  }
  SUBCASE("half of the traffic is not enough and more than half is") {
    for (int n = 0; n < 60; ++n) rate.ended("a", start);
    for (int n = 0; n < 60; ++n) CHECK_FALSE(rate.trips("a", "f", start));
    CHECK(rate.trips("a", "f", start));
  }
  SUBCASE("other tenants and other mistakes count apart") {
    for (int n = 0; n < 49; ++n) CHECK_FALSE(rate.trips("a", "f", start));
    CHECK_FALSE(rate.trips("b", "f", start));
    CHECK_FALSE(rate.trips("a", "g", start));
  }
  SUBCASE("what is older than a minute is forgotten") {
    for (int n = 0; n < 49; ++n) CHECK_FALSE(rate.trips("a", "f", start));
    CHECK_FALSE(rate.trips("a", "f", start + 61s));
    CHECK_FALSE(rate.trips("a", "f", start + 1h));
  }
  SUBCASE("after forgetting it begins anew") {
    for (int n = 0; n < 49; ++n) CHECK_FALSE(rate.trips("a", "f", start));
    rate.forget("a");
    CHECK_FALSE(rate.trips("a", "f", start));
  }
}

TEST_CASE_TEMPLATE_DEFINE("a rate of dead letters pauses its tenant", Atomic, dead_rate_stories) {
  EngineWorld world{Atomic::value, small_rate()};
  Bad bad;
  world.script.otherwise = bad.step();

  SUBCASE("the letter that would trip it is parked and everything after it in order") {
    world.start();
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1, "bad");
    world.send("p20x", 2, "bad");
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("g{}x", n), 1, "good");
    world.pass(20s);

    CHECK(world.read(world.topics.dead).size() == letters_min - 1);
    CHECK(count(world.script.ended, "g") == 20);
    CHECK(world.process->engine->figures().pauses == 1);
    CHECK(world.process->engine->figures().breakers_tripped == 1);
    CHECK(world.process->engine->figures().parked_events == 21 - (letters_min - 1));
    CHECK(world.unfinished(world.topics.main) == 0);
    const auto stored = pauses(world);
    REQUIRE(stored.size() == 1);
    CHECK(stored[0].tenant == bad_tenant);
    CHECK(stored[0].pool == "classify");
    CHECK(stored[0].reason.find("is gone") != std::string::npos);

    bad.mended = true;
    world.until([&] { return world.process->engine->figures().parked_events == 0; }, 1h);
    world.pass(2s);

    CHECK(world.read(world.topics.dead).size() == letters_min - 1);
    const auto& ended = world.script.ended;
    const auto first_done = std::find(ended.rbegin(), ended.rend(), "p20x1");
    CHECK(std::count(ended.rbegin(), first_done, "p20x2") == 1);
    CHECK(std::count(ended.begin(), ended.end(), "p20x2") == 1);
    CHECK(pauses(world).empty());
    CHECK(world.unfinished(world.topics.retry) == 0);
    CHECK_FALSE(world.script.overlapped);
  }

  SUBCASE("while it is paused one event a minute is tried and none of them counts a try") {
    world.start();
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1, "bad");
    world.pass(30s);
    const auto before = world.script.began.size();

    world.pass(10min);

    CHECK(world.script.began.size() - before >= 9);
    CHECK(world.script.began.size() - before <= 11);
    CHECK(world.read(world.topics.dead).size() == letters_min - 1);
    CHECK(bad.tries_seen == 0);
  }

  SUBCASE("an operator lifts it") {
    world.start();
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1, "bad");
    world.pass(10s);
    bad.mended = true;

    world.process->engine->lift(bad_tenant);
    world.pass(5s);

    CHECK(world.process->engine->figures().parked_events == 0);
    CHECK(pauses(world).empty());
  }

  SUBCASE("it outlives its process") {
    world.start();
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1, "bad");
    world.pass(20s);
    world.crash();
    const auto before = world.script.began.size();
    world.start();
    world.send("p30x", 1, "bad");
    world.pass(30s);

    CHECK(world.script.began.size() == before);
    bad.mended = true;
    world.until([&] { return world.process->engine->figures().parked_events == 0; }, 1h);
    world.pass(2s);
    CHECK(count(world.script.ended, "p30x") == 1);
    CHECK(world.read(world.topics.dead).size() == letters_min - 1);
  }

  SUBCASE("a database that is away does not let it through") {
    world.start();
    world.pass(2s);
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1, "bad");
    world.until([&] { return world.process->engine->figures().breakers_tripped == 1; });
    world.process->database->cut();
    world.pass(30s);
    world.process->database->mend();
    world.pass(20s);

    CHECK(world.read(world.topics.dead).size() == letters_min - 1);
    CHECK(pauses(world).size() == 1);
  }
}

TEST_CASE_TEMPLATE_DEFINE("an operator pauses", Atomic, pause_stories) {
  EngineWorld world{Atomic::value};
  world.limits.retry.park_max = 2h;
  const auto pause = [&](store::Pause its) {
    REQUIRE(with_database<sluice::Done>(world, [&](db::Database& database) {
              return store::pause(database, its);
            }).has_value());
    world.pass(1s);
  };
  const auto resume = [&](std::optional<event::Tenant> tenant, const std::string& pool) {
    REQUIRE(with_database<sluice::Done>(world, [&](db::Database& database) {
              return store::resume(database, tenant, pool);
            }).has_value());
  };
  world.start();
  world.pass(1s);

  SUBCASE("a tenant waits in order and the others flow") {
    pause({.tenant = bad_tenant, .reason = "asked", .who = "eve", .since = world.world.clock.wall()});
    for (int n = 1; n <= 3; ++n) world.send("a", n, "bad");
    world.send("g", 1, "good");
    world.pass(1h);
    CHECK(world.script.began == std::vector<std::string>{"g1"});

    resume(bad_tenant, "");
    world.pass(5s);

    CHECK(world.script.ended == std::vector<std::string>{"g1", "a1", "a2", "a3"});
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("a tenant waits from the first moment of a process on, however long its pause takes to be read") {
    pause({.tenant = bad_tenant, .reason = "asked", .who = "eve", .since = world.world.clock.wall()});
    world.send("a", 1, "bad");
    for (int life = 0; life < 100; ++life) {
      world.pass(2s);
      world.stop();
      world.start();
      world.process->database->set_faults({.delay_max = 200ms});
      world.send("b", life, "bad");
    }

    CHECK(world.script.began.empty());
  }

  SUBCASE("time under a pause does not make a dead letter whatever becomes of the process") {
    world.script.otherwise = [](const event::Event&, Attempt&) -> Task<Outcome> {
      co_return Outcome{Later{{Kind::unavailable, "not now"}}};
    };
    world.send("a", 1, "bad");
    world.until([&] { return world.process->engine->figures().parked_events == 1; });
    pause({.tenant = bad_tenant, .reason = "asked", .who = "eve", .since = world.world.clock.wall()});
    world.pass(world.limits.retry.park_max);
    world.crash();
    world.start();
    world.pass(world.limits.retry.park_max);
    const auto before = world.script.began.size();

    resume(bad_tenant, "");
    world.pass(5s);

    CHECK(world.script.began.size() == before + 1);
    CHECK(world.process->engine->figures().parked_events == 1);  // it waits for another try
    CHECK(world.read(world.topics.dead).empty());
    world.pass(2 * world.limits.retry.park_max);
    CHECK(world.read(world.topics.dead).size() == 1);  // time without a pause does
  }

  SUBCASE("a pool waits where it is") {
    pause({.pool = "classify", .reason = "asked", .who = "eve", .since = world.world.clock.wall()});
    world.send("a", 1);
    world.send("a", 2);
    world.pass(1h);
    CHECK(world.script.began.empty());
    CHECK(world.read(world.topics.retry).empty());

    resume(std::nullopt, "classify");
    world.pass(5s);

    CHECK(world.script.ended == std::vector<std::string>{"a1", "a2"});
  }
}

TEST_CASE("events that go on and on are buried as a loop") {
  EngineWorld world;
  world.start();
  auto last = message("a", 1);
  last.journey.hops = 32;
  auto beyond = message("b", 1);
  beyond.journey.hops = 33;
  world.send_raw(record_of(last, world.topics.main));
  world.send_raw(record_of(beyond, world.topics.main));
  world.pass(2s);

  CHECK(world.script.ended == std::vector<std::string>{"a1"});
  const auto letters = world.read(world.topics.dead);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].header("sluice-dead-class") == "loop");
}

TEST_CASE_TEMPLATE_INVOKE(dead_rate_stories, WithoutTransactions, WithTransactions);
TEST_CASE_TEMPLATE_INVOKE(pause_stories, WithoutTransactions, WithTransactions);
