#include "common/async/queue.hpp"

#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using Push = Operation<bool>;
using Pop = Operation<std::optional<int>>;

TEST_CASE("records come out in the order in which they went in") {
  SimulatedWorld world;
  Queue<int> queue{3};

  CHECK(queue.try_push(1));
  CHECK(world.run(queue.push(2)));
  CHECK(queue.try_push(3));

  CHECK(queue.size() == 3);
  CHECK(world.run(queue.pop()) == 1);
  CHECK(queue.try_pop() == 2);
  CHECK(world.run(queue.pop()) == 3);
  CHECK(!queue.try_pop());
}

TEST_CASE("a full queue refuses and leaves the record untouched") {
  Queue<std::unique_ptr<int>> queue{1};
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);

  CHECK(queue.try_push(std::move(first)));
  CHECK(!queue.try_push(std::move(second)));

  CHECK(second != nullptr);  // NOLINT(bugprone-use-after-move): that is the promise
  CHECK(queue.size() == queue.records_max());
}

TEST_CASE("a push waits for room and a pop for a record") {
  SimulatedWorld world;
  Queue<int> queue{1};
  REQUIRE(queue.try_push(1));
  Push push{world.loop, queue.push(2)};
  world.clock.run_until_idle();
  CHECK(push.running());
  CHECK(queue.size() == 1);

  CHECK(queue.try_pop() == 1);
  world.clock.run_until_idle();
  CHECK(push.value() == true);

  CHECK(queue.try_pop() == 2);
  Pop pop{world.loop, queue.pop()};
  world.clock.run_until_idle();
  CHECK(pop.running());
  CHECK(queue.try_push(3));
  CHECK(queue.size() == 0);
  world.clock.run_until_idle();
  CHECK(pop.value() == std::optional<int>{3});
}

TEST_CASE("who waits is served in order and nobody overtakes") {
  SimulatedWorld world;
  Queue<int> queue{1};
  REQUIRE(queue.try_push(0));
  Push first{world.loop, queue.push(1)};
  Push second{world.loop, queue.push(2)};
  world.clock.run_until_idle();

  CHECK(queue.try_pop() == 0);
  CHECK(!queue.try_push(9));  // the room is the first waiter's although it has not resumed yet
  CHECK(queue.try_pop() == 1);
  CHECK(queue.try_pop() == 2);
  world.clock.run_until_idle();
  CHECK(first.value() == true);
  CHECK(second.value() == true);

  Pop early{world.loop, queue.pop()};
  Pop late{world.loop, queue.pop()};
  world.clock.run_until_idle();
  CHECK(queue.try_push(3));
  CHECK(!queue.try_pop());  // the record is the first waiter's
  CHECK(queue.try_push(4));
  world.clock.run_until_idle();
  CHECK(early.value() == std::optional<int>{3});
  CHECK(late.value() == std::optional<int>{4});
}

TEST_CASE("a closed queue drains and then ends") {
  SimulatedWorld world;
  Queue<int> queue{2};
  REQUIRE(queue.try_push(1));
  REQUIRE(queue.try_push(2));
  Push waiting{world.loop, queue.push(3)};
  world.clock.run_until_idle();

  queue.close();
  queue.close();
  world.clock.run_until_idle();

  CHECK(queue.closed());
  CHECK(waiting.value() == false);
  CHECK(!queue.try_push(4));
  CHECK(!world.run(queue.push(5)));
  CHECK(world.run(queue.pop()) == 1);
  CHECK(world.run(queue.pop()) == 2);
  CHECK(!world.run(queue.pop()));
}

TEST_CASE("closing ends the wait of who pops") {
  SimulatedWorld world;
  Queue<int> queue{1};
  Pop pop{world.loop, queue.pop()};
  world.clock.run_until_idle();

  queue.close();
  world.clock.run_until_idle();

  REQUIRE(pop.value().has_value());
  CHECK(!pop.value()->has_value());
}

TEST_CASE("a cancelled pop takes nothing") {
  SimulatedWorld world;
  Queue<int> queue{1};
  Pop cancelled{world.loop, queue.pop()};
  Pop patient{world.loop, queue.pop()};
  world.clock.run_until_idle();

  cancelled.cancel();
  CHECK(queue.try_push(1));
  world.clock.run_until_idle();

  CHECK(cancelled.cancelled());
  CHECK(patient.value() == std::optional<int>{1});
}

TEST_CASE("a record that was handed over before the cancellation is returned") {
  SimulatedWorld world;
  Queue<int> queue{1};
  Pop pop{world.loop, queue.pop()};
  world.clock.run_until_idle();

  CHECK(queue.try_push(1));
  pop.cancel();
  world.clock.run_until_idle();

  CHECK(pop.value() == std::optional<int>{1});
}

TEST_CASE("a cancelled push leaves no record and no gap") {
  SimulatedWorld world;
  Queue<int> queue{1};
  REQUIRE(queue.try_push(0));
  Push cancelled{world.loop, queue.push(1)};
  Push patient{world.loop, queue.push(2)};
  world.clock.run_until_idle();

  cancelled.cancel();
  CHECK(queue.try_pop() == 0);
  world.clock.run_until_idle();

  CHECK(cancelled.cancelled());
  CHECK(patient.value() == true);
  CHECK(queue.try_pop() == 2);
  CHECK(!queue.try_pop());
}

TEST_CASE("a push that was accepted before the cancellation says so") {
  SimulatedWorld world;
  Queue<int> queue{1};
  REQUIRE(queue.try_push(0));
  Push push{world.loop, queue.push(1)};
  world.clock.run_until_idle();

  CHECK(queue.try_pop() == 0);
  push.cancel();
  world.clock.run_until_idle();

  CHECK(push.value() == true);
  CHECK(queue.try_pop() == 1);
}

TEST_CASE("a queue may end before its waiters") {
  SimulatedWorld world;
  auto queue = std::make_unique<Queue<int>>(1U);
  Pop pop{world.loop, queue->pop()};
  world.clock.run_until_idle();

  queue.reset();
  world.clock.run_until_idle();
  CHECK(pop.running());

  pop.cancel();
  world.clock.run_until_idle();
  CHECK(pop.cancelled());
}

TEST_CASE("a queue without room is a broken promise") {
  CHECK(dies_saying("at least one record", [] { Queue<int> queue{0}; }));
}

}  // namespace
}  // namespace sluice
