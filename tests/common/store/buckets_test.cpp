#include "common/store/buckets.hpp"

#include <memory>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "common/db/simulated_database.hpp"
#include "common/store/migrations.hpp"
#include "tests/common/store/worlds.hpp"
#include "tests/support/world.hpp"

namespace sluice::store {
namespace {

using std::chrono::milliseconds;
constexpr BucketLimits ten_a_second{.per_second = 10, .burst = 5};

Taken take(StoreWorld& world, std::int64_t wanted, std::int64_t now, BucketLimits limits = ten_a_second,
           std::string_view of_tenant = "bakery", std::string name = "twilio") {
  return world.sure(take_tokens(world.database(), tenant(of_tenant), std::move(name), wanted, limits, at(now)));
}

}  // namespace

TEST_CASE("a new bucket is full and an empty one says how long to wait") {
  in_every_world([](StoreWorld& world) {
    CHECK(take(world, 3, 0) == Taken{3});
    CHECK(take(world, 3, 0) == Taken{2});
    CHECK(take(world, 1, 0) == Taken{0, milliseconds{100}});
    CHECK(take(world, 1, 40) == Taken{0, milliseconds{60}});
    CHECK(take(world, 1, 99) == Taken{0, milliseconds{1}});
    CHECK(take(world, 1, 100) == Taken{1});
    CHECK(take(world, 1, 100) == Taken{0, milliseconds{100}});
  });
}

TEST_CASE("a bucket never holds more than its burst") {
  in_every_world([](StoreWorld& world) {
    CHECK(take(world, 100, 0) == Taken{5});
    CHECK(take(world, 100, 1'000'000) == Taken{5});
    CHECK(take(world, 100, 1'000'250) == Taken{2});
  });
}

TEST_CASE("what is left of a token is kept") {
  in_every_world([](StoreWorld& world) {
    CHECK(take(world, 5, 0) == Taken{5});
    CHECK(take(world, 5, 150) == Taken{1});
    CHECK(take(world, 5, 200) == Taken{1});
  });
}

TEST_CASE("slow and fast rates are kept") {
  in_every_world([](StoreWorld& world) {
    const BucketLimits slow{.per_second = 0.1, .burst = 1};
    CHECK(take(world, 1, 0, slow, "bakery", "slow") == Taken{1});
    CHECK(take(world, 1, 0, slow, "bakery", "slow") == Taken{0, milliseconds{10'000}});
    CHECK(take(world, 1, 10'000, slow, "bakery", "slow") == Taken{1});

    const BucketLimits fast{.per_second = 100'000, .burst = 1000};
    CHECK(take(world, 5000, 0, fast, "bakery", "fast") == Taken{1000});
    CHECK(take(world, 5000, 1, fast, "bakery", "fast") == Taken{100});
    CHECK(take(world, 5000, 1, fast, "bakery", "fast") == Taken{0, milliseconds{1}});
  });
}

TEST_CASE("limits that change count from the next call on") {
  in_every_world([](StoreWorld& world) {
    CHECK(take(world, 5, 0) == Taken{5});

    CHECK(take(world, 100, 0, {.per_second = 10, .burst = 8}) == Taken{3});
    CHECK(take(world, 100, 100, {.per_second = 100, .burst = 80}) == Taken{10});
  });
}

TEST_CASE("a clock that stands a little behind takes nothing twice and one that was an hour ahead blocks nobody") {
  in_every_world([](StoreWorld& world) {
    CHECK(take(world, 5, 2000) == Taken{5});
    CHECK(take(world, 5, 1000) == Taken{0, milliseconds{1100}});

    CHECK(take(world, 5, 3'600'000) == Taken{5});
    CHECK(take(world, 5, 3000) == Taken{0, milliseconds{100}});
    CHECK(take(world, 5, 3200) == Taken{2});
  });
}

TEST_CASE("buckets differ by name and by tenant") {
  in_every_world([](StoreWorld& world) {
    CHECK(take(world, 5, 0) == Taken{5});
    CHECK(take(world, 5, 0, ten_a_second, "florist") == Taken{5});
    CHECK(take(world, 5, 0, ten_a_second, "bakery", "chatwoot") == Taken{5});
    CHECK(take(world, 5, 0).tokens == 0);
  });
}

namespace {

Task<> take_for_a_while(db::Database& database, Clock& clock, std::int64_t calls, std::int64_t& taken) {
  for (std::int64_t call = 0; call < calls; ++call) {
    auto taking = take_tokens(database, tenant("bakery"), "shared", 1 + call % 3, {.per_second = 100, .burst = 10},
                              at(call * 10));
    const auto granted = co_await std::move(taking);
    REQUIRE_MESSAGE(granted.has_value(), granted.error().sentence);
    taken += granted->tokens;
    auto pausing = clock.sleep_for(std::chrono::microseconds{200});
    co_await std::move(pausing);
  }
}

}  // namespace

TEST_CASE("processes that take at once get no more than the rate and the burst") {
  in_every_world([](StoreWorld& world) {
    const auto other = world.another();
    std::int64_t taken = 0;
    std::vector<Task<>> tasks;
    for (int process = 0; process < 4; ++process)
      tasks.push_back(take_for_a_while(process % 2 == 0 ? world.database() : *other, world.clock(), 100, taken));

    world.run_all(std::move(tasks));

    const std::int64_t filled_meanwhile = 99;  // 100 a second for the 990 ms that the last call is away from the first
    CHECK(taken <= 10 + filled_meanwhile);
    CHECK(taken >= filled_meanwhile);
    world.run(other->close());
  });
}

namespace {

struct Shop {
  Shop() { REQUIRE(world.run(migrate(database, world.clock)).has_value()); }

  Taken take(SharedBucket& from) {
    const auto taken = world.run(from.take());
    REQUIRE_MESSAGE(taken.has_value(), taken.error().sentence);
    return *taken;
  }

  SimulatedWorld world;
  db::SimulatedStore disk;
  db::SimulatedDatabase database{disk, world.loop, world.clock, world.random};
};

Task<> take_into(SharedBucket& bucket, int& granted, int& denied) {
  auto taking = bucket.take();
  const auto taken = co_await std::move(taking);
  REQUIRE(taken.has_value());
  (taken->tokens == 1 ? granted : denied) += 1;
}

}  // namespace

TEST_CASE("a process takes ahead and then needs the database no more for a while") {
  Shop shop;
  SharedBucket bucket{shop.database, shop.world.clock, tenant("bakery"), "twilio", {.per_second = 80, .burst = 80}};

  REQUIRE(shop.take(bucket).tokens == 1);
  shop.database.cut();
  for (int token = 1; token < 8; ++token) CHECK(shop.take(bucket).tokens == 1);

  CHECK(shop.world.run(bucket.take()).error().kind == Kind::unavailable);
  shop.database.mend();
  CHECK(shop.take(bucket).tokens == 1);
}

TEST_CASE("tokens that were kept too long are lost") {
  Shop shop;
  SharedBucket bucket{shop.database, shop.world.clock, tenant("bakery"), "twilio", {.per_second = 80, .burst = 80}};
  REQUIRE(shop.take(bucket).tokens == 1);

  shop.world.clock.run_for(SharedBucket::keep_max);
  shop.database.cut();

  CHECK(shop.world.run(bucket.take()).error().kind == Kind::unavailable);
}

TEST_CASE("many that ask at once are served by few questions and no more than the bucket holds") {
  Shop shop;
  SharedBucket bucket{shop.database, shop.world.clock, tenant("bakery"), "twilio", {.per_second = 1, .burst = 30}};
  int granted = 0;
  int denied = 0;
  Scope scope{shop.world.loop};
  for (int caller = 0; caller < 50; ++caller) scope.start(take_into(bucket, granted, denied));

  shop.world.run(scope.join());

  CHECK(granted == 30);
  CHECK(denied == 20);
}

TEST_CASE("who finds the bucket empty is told when to come again and the database is not asked before") {
  Shop shop;
  SharedBucket bucket{shop.database, shop.world.clock, tenant("bakery"), "twilio", {.per_second = 1, .burst = 1}};
  REQUIRE(shop.take(bucket).tokens == 1);

  const auto first = shop.take(bucket);
  shop.database.cut();
  const auto second = shop.take(bucket);
  shop.database.mend();
  shop.world.clock.run_for(second.wait);

  CHECK(first.tokens == 0);
  CHECK(first.wait > milliseconds{900});
  CHECK(second.wait <= first.wait);
  CHECK(shop.take(bucket).tokens == 1);
}

TEST_CASE("who gives up while asking leaves the others the bucket") {
  Shop shop;
  SharedBucket bucket{shop.database, shop.world.clock, tenant("bakery"), "twilio", {.per_second = 10, .burst = 10}};
  int granted = 0;
  int denied = 0;
  {
    Scope scope{shop.world.loop};
    scope.start(take_into(bucket, granted, denied));
    shop.world.loop.run_ready();
    scope.cancel();
    shop.world.run(scope.join());
  }

  CHECK(granted == 0);
  CHECK(shop.take(bucket).tokens == 1);
}

}  // namespace sluice::store
