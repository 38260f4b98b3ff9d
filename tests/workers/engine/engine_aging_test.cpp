// A log that removes records by age, done or not: what waits ends as a dead letter before its record is gone.
#include <algorithm>

#include <doctest/doctest.h>

#include "common/store/pauses.hpp"
#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

// Records are kept for three days; looks at what is late are rare, for days have to pass.
struct AgingWorld : EngineWorld {
  explicit AgingWorld(bool atomic) : EngineWorld(atomic) {
    limits.records_kept = 72h;
    limits.watch_pause = 10min;
    limits.lag_pause = 10min;
    limits.pauses_look_max = 10min;
    limits.schedule_look_max = 10min;
    limits.retry.park_max = 1'000h;
    told = &logger_of_what_is_said;
  }
  ~AgingWorld() {
    if (process) crash();
  }
  AgingWorld(const AgingWorld&) = delete;
  AgingWorld& operator=(const AgingWorld&) = delete;

  void pause(const std::string& tenant) {
    db::SimulatedDatabase database{store, world.loop, world.clock, world.random};
    const auto paused = world.run(store::pause(database, {.tenant = event::Tenant::parse(tenant).value(),
                                                          .reason = "asked",
                                                          .who = "eve",
                                                          .since = world.clock.wall()}));
    REQUIRE(paused.has_value());
    world.run(database.close());
  }
  // The names of the dead messages by what their letters say of the reason.
  std::vector<std::string> parked_too_long() {
    std::vector<std::string> names;
    for (const auto& letter : read(topics.dead)) {
      const auto event = event::decode(letter.header("sluice-dead-key"), letter.value(), letter.headers());
      REQUIRE(event.has_value());
      if (letter.header("sluice-dead-code") == "parked too long") names.push_back(Script::name_of(*event));
    }
    std::ranges::sort(names);
    return names;
  }
  bool said(std::string_view what) {
    logger_of_what_is_said.flush();
    return text.find(what) != std::string::npos;
  }

  std::string text;
  Logger logger_of_what_is_said{world.clock, "test", {}, [this](std::string_view lines) { text += lines; }};
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("what waits until its record is about to be removed becomes a dead letter", Atomic,
                          aging_stories) {
  AgingWorld world{Atomic::value};

  SUBCASE("under a pause of its tenant, each a day before its own record goes, and none is tried") {
    world.start();
    world.pass(1s);
    world.pause("bad");
    world.pass(1s);
    world.send("a", 1, "bad");
    world.send("g", 1, "good");
    world.pass(10h);
    world.send("a", 2, "bad");
    world.pass(25h);
    CHECK_FALSE(world.said("half of the age"));
    world.pass(12h);
    CHECK(world.said("half of the age"));
    CHECK(world.process->engine->figures().oldest_age >= 46h);
    CHECK(world.read(world.topics.dead).empty());

    world.pass(3h);
    CHECK(world.parked_too_long() == Told{"a1"});
    world.pass(10h);
    CHECK(world.parked_too_long() == Told{"a1", "a2"});
    CHECK(world.script.began == Told{"g1"});
    CHECK(world.unfinished(world.topics.retry) == 0);
    CHECK(world.process->engine->figures().parked_events == 0);
    world.pass(2h);
    CHECK(world.process->engine->figures().oldest_age == Duration{});
  }

  SUBCASE("behind a dead letter, and the others go on when an operator releases them") {
    world.spec.followers = Followers::hold;
    world.script.steps["a1"] = [](const event::Event&, Attempt&) -> Task<Outcome> {
      co_return Outcome{Never{{Kind::invalid, "the number is not valid"}, "21211"}};
    };
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(40h);
    world.send("a", 3);
    world.pass(10h);

    CHECK(world.parked_too_long() == Told{"a2"});
    CHECK(world.script.began == Told{"a1"});
    REQUIRE(world.process->engine->parked().size() == 1);
    CHECK(world.process->engine->parked()[0].held);
    CHECK(world.process->engine->parked()[0].behind == 1);
    CHECK(world.process->engine->parked()[0].why == "the number is not valid");

    CHECK(world.world.run(world.process->engine->release(message("a", 1).key)).value());
    world.pass(2s);
    CHECK(world.script.began == Told{"a1", "a3"});
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("after its last try, which may still succeed") {
    bool mended = false;
    world.script.otherwise = [&mended](const event::Event&, Attempt&) -> Task<Outcome> {
      return [](bool is_mended) -> Task<Outcome> {
        if (is_mended) co_return Outcome{engine::Done{}};
        co_return Outcome{Later{{Kind::unavailable, "not now"}}};
      }(mended);
    };
    world.start();
    world.send("a", 1);
    world.pass(3h);
    world.send("b", 1);
    world.pass(47h);  // past the time of the first, before that of the other
    CHECK(world.parked_too_long() == Told{"a1"});

    mended = true;
    world.pass(4h);

    CHECK(world.parked_too_long() == Told{"a1"});
    CHECK(world.script.ended.back() == "b1");
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("also when no process lives for an hour") {
    world.start();
    world.pass(1s);
    world.pause("bad");
    world.pass(1s);
    world.send("a", 1, "bad");
    for (int life = 0; life < 100; ++life) {
      world.pass(30min);
      world.stop();
      world.start();
    }

    CHECK(world.parked_too_long() == Told{"a1"});
    CHECK(world.script.began.empty());
  }

  SUBCASE("and only there") {
    world.limits.records_kept.reset();
    world.start();
    world.pass(1s);
    world.pause("bad");
    world.pass(1s);
    world.send("a", 1, "bad");
    world.pass(100h);
    CHECK(world.read(world.topics.dead).empty());
    CHECK_FALSE(world.said("half of the age"));
    CHECK(world.process->engine->figures().parked_events == 1);
  }
}
TEST_CASE_TEMPLATE_INVOKE(aging_stories, WithTransactions, WithoutTransactions);

// Its breaker is open for all of the time: the event may not be tried, and is not.
TEST_CASE("what waits for a dependency until its record is about to be removed becomes a dead letter") {
  AgingWorld world{false};
  Dependencies services{world.world.clock, world.world.random, {{.name = "twilio"}}};
  world.dependencies = &services;
  world.script.otherwise = [&world](const event::Event&, Attempt& attempt) -> Task<Outcome> {
    auto pass = co_await attempt.enter("twilio");
    if (pass) pass->report(Verdict::sick, 50ms);
    co_await world.world.clock.sleep_for(1ms);
    co_return Outcome{Waiting{"twilio"}};
  };
  world.start();
  for (int n = 1; n <= 30; ++n) world.send(fmt::format("p{}x", n), 1);
  world.pass(60s);
  REQUIRE(world.process->engine->figures().parked_events == 30);

  world.pass(47h);
  CHECK(world.read(world.topics.dead).empty());
  world.pass(3h);

  CHECK(world.parked_too_long().size() == 30);
  CHECK(world.unfinished(world.topics.retry) == 0);
  world.crash();
}
