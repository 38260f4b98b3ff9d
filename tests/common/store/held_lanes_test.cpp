#include "common/store/held_lanes.hpp"

#include <doctest/doctest.h>

#include "tests/common/store/worlds.hpp"

namespace sluice::store {
namespace {

HeldLane held(std::int32_t partition, std::int64_t lane, std::int64_t since, std::string tenant = "bakery") {
  return {.pool = "send",
          .partition = partition,
          .lane = lane,
          .tenant = std::move(tenant),
          .event = "e1",
          .why = "the number is not valid",
          .since = at(since)};
}

void hold(StoreWorld& world, HeldLane one) {
  db::Batch batch;
  batch.statements.push_back(hold_lane(std::move(one)));
  world.sure(world.database().run(std::move(batch)));
}

}  // namespace

TEST_CASE("a held conversation is known until it is released") {
  in_every_world([](StoreWorld& world) {
    hold(world, held(3, -7, 20));
    hold(world, held(3, 8, 10));
    hold(world, held(4, 8, 10));

    CHECK(world.sure(load_held_lanes(world.database(), "send", 3)) == std::vector{held(3, 8, 10), held(3, -7, 20)});
    CHECK(world.sure(release_lane(world.database(), "send", 3, -7)));
    CHECK_FALSE(world.sure(release_lane(world.database(), "send", 3, -7)));

    CHECK(world.sure(load_held_lanes(world.database(), "send", 3)) == std::vector{held(3, 8, 10)});
    CHECK(world.sure(load_held_lanes(world.database(), "crm", 3)).empty());
  });
}

TEST_CASE("one held conversation is found by its place") {
  in_every_world([](StoreWorld& world) {
    hold(world, held(3, 8, 10));

    CHECK(world.sure(find_held_lane(world.database(), "send", 3, 8)) == held(3, 8, 10));
    CHECK_FALSE(world.sure(find_held_lane(world.database(), "send", 3, 7)).has_value());
    CHECK_FALSE(world.sure(find_held_lane(world.database(), "send", 4, 8)).has_value());
    CHECK_FALSE(world.sure(find_held_lane(world.database(), "crm", 3, 8)).has_value());
  });
}

TEST_CASE("the newest dead letter of a held conversation is the one that is shown") {
  in_every_world([](StoreWorld& world) {
    hold(world, held(3, 8, 10));
    auto newer = held(3, 8, 20);
    newer.event = "e2";
    hold(world, newer);

    CHECK(world.sure(load_held_lanes(world.database(), "send", 3)) == std::vector{newer});
  });
}

TEST_CASE("people see the held conversations of their tenant only") {
  in_every_world([](StoreWorld& world) {
    hold(world, held(3, 8, 10));
    hold(world, held(1, 9, 5, "florist"));

    CHECK(world.sure(list_held_lanes(world.database(), tenant("bakery"))) == std::vector{held(3, 8, 10)});
    CHECK(world.sure(list_held_lanes(world.database(), tenant("florist"), 0)).empty());
  });
}

}  // namespace sluice::store
