#include "common/async/semaphore.hpp"

#include <deque>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Acquire = Operation<Permit>;

TEST_CASE("a permit is given back at its end or earlier and only once") {
  Semaphore semaphore{2};
  {
    auto first = semaphore.try_acquire();
    auto second = semaphore.try_acquire();
    REQUIRE(first);
    REQUIRE(second);
    CHECK(!semaphore.try_acquire());
    CHECK(semaphore.available() == 0);

    first->release();
    first->release();
    CHECK(semaphore.available() == 1);
  }

  CHECK(semaphore.available() == 2);
}

TEST_CASE("a moved permit counts once and assigning over one gives it back") {
  Semaphore semaphore{2};
  auto first = semaphore.try_acquire();
  auto second = semaphore.try_acquire();

  Permit moved = std::move(*first);
  first.reset();
  CHECK(semaphore.available() == 0);

  moved = std::move(*second);
  second.reset();
  CHECK(semaphore.available() == 1);
  moved.release();
  CHECK(semaphore.available() == 2);
}

TEST_CASE("who waits is served in order and nobody overtakes") {
  SimulatedWorld world;
  Semaphore semaphore{1};
  auto held = semaphore.try_acquire();
  Acquire first{world.loop, semaphore.acquire()};
  Acquire second{world.loop, semaphore.acquire()};
  world.clock.run_until_idle();
  CHECK(first.running());

  held->release();
  CHECK(!semaphore.try_acquire());  // the permit is the first waiter's although it has not resumed yet
  world.clock.run_until_idle();
  CHECK(first.value().has_value());
  CHECK(second.running());

  first.value()->release();
  world.clock.run_until_idle();
  CHECK(second.value().has_value());
  second.value()->release();
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a cancelled waiter loses no permit") {
  SimulatedWorld world;
  Semaphore semaphore{1};
  auto held = semaphore.try_acquire();
  Acquire cancelled{world.loop, semaphore.acquire()};
  Acquire patient{world.loop, semaphore.acquire()};
  world.clock.run_until_idle();

  cancelled.cancel();
  held->release();
  world.clock.run_until_idle();

  CHECK(cancelled.cancelled());
  REQUIRE(patient.value().has_value());
  patient.value()->release();
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a permit that was handed over before the cancellation is returned and ends with its task") {
  SimulatedWorld world;
  Semaphore semaphore{1};
  auto held = semaphore.try_acquire();
  Acquire acquire{world.loop, semaphore.acquire()};
  world.clock.run_until_idle();

  held->release();
  acquire.cancel();
  world.clock.run_until_idle();

  REQUIRE(acquire.value().has_value());
  acquire.value()->release();
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a semaphore of none lets nobody in") {
  SimulatedWorld world;
  Semaphore semaphore{0};
  Acquire acquire{world.loop, semaphore.acquire()};
  world.clock.run_until_idle();

  CHECK(acquire.running());
  CHECK(!semaphore.try_acquire());

  acquire.cancel();
  world.clock.run_until_idle();
  CHECK(acquire.cancelled());
}

TEST_CASE("a permit may outlive its semaphore") {
  auto semaphore = std::make_unique<Semaphore>(1U);
  auto permit = semaphore->try_acquire();

  semaphore.reset();

  permit->release();
}

struct Inside {
  std::size_t now = 0;
  std::size_t most = 0;
  std::vector<int> order;
};

Task<> work_inside(SimulatedWorld& world, Semaphore& semaphore, Inside& inside, int name) {
  const auto permit = co_await semaphore.acquire();
  inside.order.push_back(name);
  inside.most = std::max(inside.most, ++inside.now);
  co_await world.clock.sleep_for(world.random.between(0ms, 5ms));
  --inside.now;
}

TEST_CASE("never more than its permits are inside and they enter in the order of asking") {
  for (std::uint64_t round = 0; round < 50; ++round) {
    SimulatedWorld world{test_seed() + round};
    const auto permits = static_cast<std::size_t>(1 + world.random.below(5));
    Semaphore semaphore{permits};
    Inside inside;
    Scope scope{world.loop};
    for (int i = 0; i < 100; ++i) scope.start(work_inside(world, semaphore, inside, i));

    world.run(scope.join());

    REQUIRE(inside.most == permits);
    REQUIRE(std::is_sorted(inside.order.begin(), inside.order.end()));
    REQUIRE(inside.order.size() == 100);
    REQUIRE(semaphore.available() == permits);
  }
}

TEST_CASE("no permit is lost or doubled when cancellations hit at any step") {
  for (std::uint64_t round = 0; round < 200; ++round) {
    SimulatedWorld world{test_seed() + round};
    const auto permits = static_cast<std::size_t>(1 + world.random.below(3));
    Semaphore semaphore{permits};
    Inside inside;
    std::deque<Scope> scopes;
    for (int step = 0; step < 100; ++step) {
      scopes.emplace_back(world.loop).start(work_inside(world, semaphore, inside, step));
      for (auto ready = world.random.below(4); ready > 0; --ready) world.loop.run_one_ready();
      if (world.random.one_in(5)) world.clock.run_for(1ms);
      if (world.random.one_in(3)) scopes[world.random.below(scopes.size())].cancel();
    }

    world.clock.run_until_idle();

    for (const auto& scope : scopes) REQUIRE(scope.size() == 0);
    REQUIRE(semaphore.available() == permits);
    REQUIRE(inside.order.size() <= 100);
  }
}

}  // namespace
}  // namespace sluice
