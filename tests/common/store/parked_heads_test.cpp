#include "common/store/parked_heads.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "tests/common/store/worlds.hpp"

namespace sluice::store {
namespace {

ParkedHead head(std::int64_t lane, std::string_view of_tenant = "bakery") {
  return {.pool = "send",
          .partition = 3,
          .lane = lane,
          .tenant = std::string{of_tenant},
          .event = "0123456789abcdef0123456789abcdef",
          .tries = 4,
          .since = at(1000),
          .due = at(61'000),
          .why = "Twilio answered 503",
          .last_failed = at(900),
          .paused = std::chrono::milliseconds{250}};
}

}  // namespace

TEST_CASE("a parked head is found as it was kept and replaced by the next word about it") {
  in_every_world([](StoreWorld& world) {
    auto first = head(7);
    auto second = head(7);
    second.tries = 5;
    second.due = at(400'000);
    second.why = "Twilio answered 429";
    second.event = "ffffffffffffffffffffffffffffffff";
    second.paused_since = at(350'000);

    world.sure(keep_parked_head(first));
    const auto found_first = world.sure(find_parked_head(world.database(), "send", 3, 7));
    world.sure(keep_parked_head(second));
    world.sure(keep_parked_head(second));
    const auto found_second = world.sure(find_parked_head(world.database(), "send", 3, 7));

    CHECK(found_first == first);
    CHECK(found_second == second);
  });
}

TEST_CASE("a forgotten head is not there and forgetting it twice is no failure") {
  in_every_world([](StoreWorld& world) {
    world.sure(keep_parked_head(head(7)));
    world.sure(keep_parked_head(head(8)));

    world.sure(forget_parked_head("send", 3, 7));
    world.sure(forget_parked_head("send", 3, 7));

    CHECK_FALSE(world.sure(find_parked_head(world.database(), "send", 3, 7)).has_value());
    CHECK(world.sure(find_parked_head(world.database(), "send", 3, 8)).has_value());
  });
}

TEST_CASE("a partition's heads are those of its pool and number alone") {
  in_every_world([](StoreWorld& world) {
    auto other_pool = head(1);
    other_pool.pool = "crm";
    auto other_partition = head(2);
    other_partition.partition = 4;
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    for (const auto& kept : {head(most), head(-5), head(least), head(5, "florist"), other_pool, other_partition})
      world.sure(keep_parked_head(kept));

    const auto loaded = world.sure(load_parked_heads(world.database(), "send", 3));

    CHECK(loaded == std::vector{head(least), head(-5), head(5, "florist"), head(most)});
  });
}

TEST_CASE("a partition with more heads than are read at once is loaded whole") {
  in_every_world([](StoreWorld& world) {
    db::Batch batch;
    for (std::int64_t lane = 0; lane < 10'000; ++lane) batch.statements.push_back(keep_parked_head(head(lane)));
    world.sure(std::move(batch));

    const auto loaded = world.sure(load_parked_heads(world.database(), "send", 3));

    REQUIRE(loaded.size() == 10'000);
    CHECK(loaded.front().lane == 0);
    CHECK(loaded[5000].lane == 5000);
    CHECK(loaded.back().lane == 9999);
  });
}

TEST_CASE("people see the parked heads of their tenant alone and the longest parked first") {
  in_every_world([](StoreWorld& world) {
    auto old = head(1);
    old.since = at(10);
    auto older = head(2);
    older.since = at(5);
    for (const auto& kept : {old, older, head(3), head(4, "florist")}) world.sure(keep_parked_head(kept));

    const auto first = world.sure(list_parked_heads(world.database(), tenant("bakery"), {}, 2));
    const auto second = world.sure(list_parked_heads(world.database(), tenant("bakery"), first.back(), 2));

    CHECK(first == std::vector{older, old});
    CHECK(second == std::vector{head(3)});
  });
}

}  // namespace sluice::store
