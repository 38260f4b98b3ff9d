// A pool that holds: what stands behind a dead letter waits for an operator.
#include <algorithm>
#include <utility>

#include <doctest/doctest.h>

#include "common/store/held_lanes.hpp"
#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/lane.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

Names of_a(const Names& all) {
  Names some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), [](const auto& name) { return name[0] == 'a'; });
  return some;
}

Task<Outcome> refuse(const event::Event& /*event*/, Attempt& /*attempt*/) {
  co_return Outcome{Never{{Kind::invalid, "the number is not valid"}, "21211"}};
}

Task<Outcome> put_off(const event::Event& /*event*/, Attempt& /*attempt*/) {
  co_return Outcome{Later{{Kind::unavailable, "not now"}}};
}

log::Outgoing replayed(event::Event event, const std::string& topic) {
  event.journey.replay = "operation-1";
  return record_of(event, topic);
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("followers of a dead letter wait for an operator", Atomic, hold_stories) {
  EngineWorld world{Atomic::value};
  world.spec.followers = Followers::hold;
  world.script.steps["a1"] = refuse;
  const event::EventKey key = message("a", 1).key;

  SUBCASE("they stay until they are released and then run in order") {
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.send("b", 1);
    world.pass(2s);
    world.send("a", 3);
    world.pass(1h);

    CHECK(of_a(world.script.began) == Names{"a1"});
    CHECK(world.script.began.size() == 2);
    CHECK(world.read(world.topics.dead).size() == 1);
    CHECK(world.unfinished(world.topics.main) == 0);
    const auto parked = world.process->engine->parked();
    REQUIRE(parked.size() == 1);
    CHECK(parked[0].held);
    CHECK(parked[0].behind == 2);
    CHECK(parked[0].why == "the number is not valid");
    CHECK(parked[0].since.has_value());

    CHECK(world.world.run(world.process->engine->release(key)).value());
    world.pass(2s);

    CHECK(of_a(world.script.began) == Names{"a1", "a2", "a3"});
    CHECK(world.unfinished(world.topics.retry) == 0);
    CHECK(world.process->engine->parked().empty());
    world.send("a", 4);
    world.pass(2s);
    CHECK(world.script.began.back() == "a4");
    CHECK_FALSE(world.world.run(world.process->engine->release(key)).value());
  }

  SUBCASE("a restart keeps holding") {
    SUBCASE("with something behind") {
      world.start();
      world.send("a", 1);
      world.send("a", 2);
      world.pass(2s);
      world.crash();
    }
    SUBCASE("with nothing behind yet") {
      world.start();
      world.send("a", 1);
      world.pass(2s);
      world.crash();
      world.send("a", 2);
    }
    world.start();
    world.pass(1h);

    CHECK(world.script.began == Names{"a1"});
    REQUIRE(world.process->engine->parked().size() == 1);
    CHECK(world.process->engine->parked()[0].behind == 1);
    CHECK(world.world.run(world.process->engine->release(key)).value());
    world.pass(2s);
    CHECK(world.script.began == Names{"a1", "a2"});
    CHECK(world.read(world.topics.dead).size() == 1);
  }

  SUBCASE("a parked head that becomes a dead letter holds those behind it") {
    world.script.steps["a1"] = put_off;
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(40s);
    world.script.steps["a1"] = refuse;
    world.pass(1h);

    CHECK(std::count(world.script.began.begin(), world.script.began.end(), "a2") == 0);
    CHECK(world.read(world.topics.dead).size() == 1);
    world.crash();
    world.start();
    world.pass(1h);
    CHECK(std::count(world.script.began.begin(), world.script.began.end(), "a2") == 0);

    CHECK(world.world.run(world.process->engine->release(key)).value());
    world.pass(2s);
    CHECK(std::count(world.script.began.begin(), world.script.began.end(), "a2") == 1);
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("the dead letter that is replayed runs before those that wait for it") {
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(2s);
    world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 5s); };

    world.send_raw(replayed(message("a", 1), world.topics.main));
    world.pass(1s);
    CHECK(world.world.run(world.process->engine->release(key)).value());  // while it runs
    world.pass(20s);

    CHECK(world.script.began == Names{"a1", "a1", "a2"});
    CHECK_FALSE(world.script.overlapped);
    CHECK(world.unfinished(world.topics.main) == 0);
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("a release in another process reaches the one that holds") {
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(2s);
    auto owner = std::exchange(world.process, nullptr);
    world.start();
    world.pass(5s);

    const auto released =
        world.world.run((owner->engine->parked().empty() ? owner : world.process)->engine->release(key));
    CHECK(released.value());
    world.pass(5s);

    CHECK(world.script.began == Names{"a1", "a2"});
    world.stop();
    world.process = std::move(owner);
  }

  SUBCASE("a pool that goes on holds nobody") {
    world.spec.followers = Followers::go_on;
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(2s);

    CHECK(world.script.began == Names{"a1", "a2"});
    CHECK(world.process->engine->parked().empty());
  }
}

TEST_CASE_TEMPLATE_INVOKE(hold_stories, WithoutTransactions, WithTransactions);

// The answer to a release and the news of it come on different ways. Whichever comes last may find that the follower
// which the first one let go has become the next dead letter.
TEST_CASE("each release lets go what it released and nobody who is held anew") {
  EngineWorld world;
  world.spec.followers = Followers::hold;
  world.script.otherwise = refuse;
  world.start();
  constexpr int count = 60;
  for (int n = 1; n <= count; ++n) world.send("a", n);
  world.pass(2s);
  world.process->database->set_faults({.delay_max = 20ms});

  for (std::size_t released = 1; released < count; ++released) {
    REQUIRE(world.script.began.size() == released);
    CHECK(world.world.run(world.process->engine->release(message("a", 1).key)).value());
    world.pass(2s);
  }

  CHECK(world.script.began.size() == count);
}

namespace {

// False: nobody holds it.
bool release_with(EngineWorld& world, db::Database& outside, const event::EventKey& key) {
  return world.world
      .run(store::release_lane(outside, "classify", event::partition_of(event::text_of(key), test_partitions),
                               static_cast<std::int64_t>(lane_of(key))))
      .value();
}

void hold_from_outside(EngineWorld& world, const event::Event& dead) {
  db::SimulatedDatabase database{world.store, world.world.loop, world.world.clock, world.world.random};
  db::Batch hold;
  hold.statements.push_back(
      store::hold_lane({.pool = "classify",
                        .partition = event::partition_of(event::text_of(dead.key), test_partitions),
                        .lane = static_cast<std::int64_t>(lane_of(dead.key)),
                        .tenant = "default",
                        .event = dead.id.text(),
                        .why = "the number is not valid",
                        .since = world.world.clock.wall()}));
  REQUIRE(world.world.run(database.run(std::move(hold))).has_value());
  world.world.run(database.close());
}

}  // namespace

TEST_CASE("a follower that stands before a copy of the dead letter is not taken for it") {
  EngineWorld world;
  world.spec.followers = Followers::hold;
  const event::EventKey key = message("a", 1).key;
  for (const int n : {2, 1}) world.send_raw(record_of(message("a", n), world.topics.retry));
  hold_from_outside(world, message("a", 1));
  world.start();
  world.pass(2s);
  CHECK(world.script.began.empty());

  CHECK(world.world.run(world.process->engine->release(key)).value());
  world.pass(2s);

  CHECK(world.script.began.front() == "a2");
  CHECK(world.unfinished(world.topics.retry) == 0);
}

// He made the dead letter, wrote its row and sent the followers into retry after the next owner had read both.
TEST_CASE("followers wait although it was an owner before this one who has not heard of his end that holds them") {
  EngineWorld world;
  world.spec.followers = Followers::hold;
  const event::EventKey key = message("a", 1).key;
  world.start();
  world.send("b", 1);
  world.pass(2s);
  hold_from_outside(world, message("a", 1));
  world.send_raw(record_of(message("a", 2), world.topics.retry));
  world.pass(2s);
  world.send("a", 1);  // which is not complete for this owner
  world.send("a", 3);
  world.pass(1h);

  CHECK(world.script.began == Names{"b1"});
  CHECK(world.unfinished(world.topics.main) == 0);
  REQUIRE(world.process->engine->parked().size() == 1);
  CHECK(world.process->engine->parked()[0].held);

  CHECK(world.world.run(world.process->engine->release(key)).value());
  world.pass(2s);
  CHECK(world.script.began == Names{"b1", "a2", "a3"});
  CHECK(world.unfinished(world.topics.retry) == 0);
}

// The answer to the question what is held travels while the release does.
TEST_CASE("what is released while an owner looks what is held is not held for ever") {
  for (int round = 0; round < 80; ++round) {
    EngineWorld world;
    world.spec.followers = Followers::hold;
    world.send_raw(record_of(message("a", 2), world.topics.retry));
    hold_from_outside(world, message("a", 1));
    db::SimulatedDatabase outside{world.store, world.world.loop, world.world.clock, world.world.random};
    world.start();
    world.process->database->set_faults({.delay_max = 20ms});
    world.pass(round * 1ms);
    CHECK(release_with(world, outside, message("a", 1).key));
    world.pass(1min);

    CHECK(world.script.began == Names{"a2"});
    world.world.run(outside.close());
  }
}

// The letter and its row are durable, the answer that says so is on its way.
TEST_CASE("what is released before the engine hears that its dead letter is durable is not held for ever") {
  for (int round = 0; round < 40; ++round) {
    EngineWorld world{true};
    world.spec.followers = Followers::hold;
    world.script.steps["a1"] = refuse;
    db::SimulatedDatabase outside{
        world.store, world.world.loop, world.world.clock, world.world.random, {.delay_max = {}}};
    world.start();
    world.process->database->set_faults({.delay_max = {}});
    world.pass(1s);
    world.send("a", 1);
    world.send("a", 2);
    const auto count_held = [&] {
      return world.store.read_now({"SELECT count(*) FROM held_lanes", {}})->integer(0, 0);
    };
    world.until([&] { return count_held() == 1; });
    world.pass(round * 50us);
    CHECK(release_with(world, outside, message("a", 1).key));
    world.pass(1min);

    CHECK(world.script.began == Names{"a1", "a2"});
    world.world.run(outside.close());
  }
}
