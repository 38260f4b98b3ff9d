// A journey through everything that can wait, cancelled at each of its steps in turn: whatever was under way must end,
// and nothing that was counted may be lost.
#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "common/async/offload.hpp"
#include "common/async/queue.hpp"
#include "common/async/reply.hpp"
#include "common/async/scope.hpp"
#include "common/async/semaphore.hpp"
#include "common/async/signal.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct Land {
  explicit Land(std::uint64_t seed) : world(seed) {}

  SimulatedWorld world;
  Queue<int> outward{1};
  Queue<int> homeward{1};
  Semaphore semaphore{1};
  Signal bell;
  Offload pool{0, 10};
  std::vector<int> pushed;
  std::vector<int> popped;
  int frames = 0;
  bool arrived = false;
};

Task<> push_three(Land& land) {
  for (int record = 1; record <= 3; ++record) {
    const bool accepted = co_await land.outward.push(record);
    if (accepted) land.pushed.push_back(record);
  }
}

Task<> pop_three(Land& land) {
  const Living frame{land.frames};
  for (int i = 0; i < 3; ++i) {
    const auto record = co_await land.outward.pop();
    land.popped.push_back(*record);
    co_await land.world.clock.sleep_for(1s);
  }
}

Task<> hold_the_permit(Land& land) {
  const Living frame{land.frames};
  const auto permit = co_await land.semaphore.acquire();
  co_await land.world.clock.sleep_for(1s);
}

Task<> ring_later(Land& land) {
  const Living frame{land.frames};
  co_await land.world.clock.sleep_for(5s);
  land.bell.notify_all();
}

Task<int> ask(Land& land) {
  const Living frame{land.frames};
  auto reply = Reply<int>::on(land.world.loop);
  Timer timer{land.world.clock.timers(), [&reply] { reply->give(7); }};
  timer.arm(land.world.clock.now() + 1s);
  const auto value = co_await reply->wait();
  co_return value;
}

Task<> side_journey(Land& land) {
  const Living frame{land.frames};
  Scope scope{land.world.loop};
  scope.start(hold_the_permit(land));
  scope.start(hold_the_permit(land));
  scope.start(pop_three(land));
  co_await scope.join();
}

Task<> journey(Land& land) {
  const Living frame{land.frames};
  auto& clock = land.world.clock;
  co_await clock.sleep_for(1s);
  co_await hold_the_permit(land);
  const auto answer = co_await within(clock, clock.now() + 1min, ask(land));
  CHECK(answer == 7);
  const bool in_time = co_await within(clock, clock.now() + 100ms, hold_the_permit(land));
  CHECK(!in_time);
  const auto worked = co_await land.pool.run([] { return 8; });
  CHECK(worked.value() == 8);
  co_await side_journey(land);
  co_await land.bell.wait();
  const auto nested = co_await within(clock, clock.now() + 1min, within(clock, clock.now() + 1s, land.homeward.pop()));
  CHECK(nested.has_value());
  CHECK(!nested->has_value());
  land.arrived = true;
}

struct Course {
  explicit Course(std::uint64_t seed) : land(seed), travellers(land.world.loop) {
    travellers.start(journey(land));
    travellers.start(push_three(land));
    travellers.start(ring_later(land));
    travellers.start(ring_at_times(land));
  }

  static Task<> ring_at_times(Land& land) {
    for (int i = 0; i < 30; ++i) {
      co_await land.world.clock.sleep_for(1s);
      land.bell.notify_all();
    }
  }

  void check_that_nothing_is_left() {
    CHECK(travellers.size() == 0);
    CHECK(land.frames == 0);
    CHECK(land.semaphore.available() == 1);
    CHECK(land.world.clock.timers().empty());
    CHECK(!land.bell.awaited());
    while (const auto record = land.outward.try_pop()) land.popped.push_back(*record);
    CHECK(land.popped == land.pushed);
  }

  Land land;
  Scope travellers;
};

TEST_CASE("a journey that nobody cancels arrives") {
  Course course{test_seed()};

  course.land.world.clock.run_until_idle();

  CHECK(course.land.arrived);
  CHECK(course.land.popped == std::vector<int>{1, 2, 3});
  course.check_that_nothing_is_left();
}

TEST_CASE("a journey that is cancelled at any step ends and loses nothing") {
  std::size_t steps = 0;
  {
    Course whole{test_seed()};
    while (whole.land.world.clock.step()) ++steps;
  }
  REQUIRE(steps > 90);

  for (std::size_t upto = 0; upto <= steps; ++upto) {
    CAPTURE(upto);
    Course course{test_seed()};
    for (std::size_t step = 0; step < upto; ++step) course.land.world.clock.step();

    course.travellers.cancel();
    const auto cancelled_at = course.land.world.clock.now();
    course.land.world.clock.run_until_idle();

    course.check_that_nothing_is_left();
    CHECK(course.land.world.clock.now() == cancelled_at);
  }
}

Task<> sleep_within(Clock& clock, int& frames) {
  const Living frame{frames};
  const bool in_time = co_await within(clock, clock.now() + 1h, clock.sleep_for(2h));
  CHECK(!in_time);
}

Task<> sleep_with_children(Loop& loop, Clock& clock, int& frames) {
  const Living frame{frames};
  Scope scope{loop};
  scope.start(sleep_within(clock, frames));
  scope.start(clock.sleep_for(30min));
  co_await scope.join();
}

TEST_CASE("a loop that ends at any step leaves no frame behind") {
  bool whole = false;
  for (std::size_t upto = 0; !whole; ++upto) {
    int frames = 0;
    {
      Loop loop;
      SimulatedClock clock{loop, WallTime{}};
      spawn(loop, sleep_with_children(loop, clock, frames), or_die("the sleeper"));
      for (std::size_t step = 0; step < upto && !whole; ++step) whole = !clock.step();
    }
    CHECK(frames == 0);
  }
}

}  // namespace
}  // namespace sluice
