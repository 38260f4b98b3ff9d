#include "common/async/deadline.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/clock_real.hpp"
#include "common/async/queue.hpp"
#include "common/async/scope.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

Task<int> seven_after(Clock& clock, Duration pause) {
  co_await clock.sleep_for(pause);
  co_return 7;
}

TEST_CASE("a task that is in time gives its value and leaves no timer") {
  SimulatedWorld world;

  CHECK(world.run(within(world.clock, Instant{2h}, seven_after(world.clock, 1h))) == 7);

  CHECK(world.clock.now() == Instant{1h});
  CHECK(world.clock.timers().empty());
}

TEST_CASE("a task that is late is cancelled at the deadline") {
  SimulatedWorld world;

  CHECK(!world.run(within(world.clock, Instant{1h}, seven_after(world.clock, 2h))));

  CHECK(world.clock.now() == Instant{1h});
  CHECK(world.clock.timers().empty());
}

TEST_CASE("a task without a value says whether it was in time") {
  SimulatedWorld world;

  CHECK(world.run(within(world.clock, Instant{2h}, world.clock.sleep_for(1h))));
  CHECK(!world.run(within(world.clock, Instant{2h}, world.clock.sleep_for(24h))));
  CHECK(world.clock.now() == Instant{2h});
}

TEST_CASE("a value that can only be moved comes through") {
  SimulatedWorld world;

  auto value = world.run(within(world.clock, Instant{1h}, [](Clock& clock) -> Task<std::unique_ptr<int>> {
    co_await clock.sleep_for(1s);
    co_return std::make_unique<int>(7);
  }(world.clock)));

  REQUIRE(value.has_value());
  CHECK(**value == 7);
}

TEST_CASE("a deadline that has passed starts nothing") {
  SimulatedWorld world;
  Notes notes;
  world.clock.run_for(1h);

  const auto begin = [](Notes& its_notes) -> Task<> {
    its_notes.emplace_back("begun");
    co_return;
  };
  CHECK(!world.run(within(world.clock, Instant{1h}, begin(notes))));
  CHECK(!world.run(within(world.clock, Instant{}, begin(notes))));

  CHECK(notes.empty());
}

Task<int> value_in_spite_of(Clock& clock, Duration pause) {
  try {
    co_await clock.sleep_for(pause);
  } catch (const boost::system::system_error&) {
    co_return 9;
  }
  co_return 7;
}

TEST_CASE("a value that comes in spite of the deadline wins") {
  SimulatedWorld world;

  CHECK(world.run(within(world.clock, Instant{1h}, value_in_spite_of(world.clock, 2h))) == 9);
}

Task<> unwind_slowly(Clock& clock, Notes& notes) {
  Unstoppable end;
  Timer timer{clock.timers(), [&end] { end.wake(); }};
  timer.arm(clock.now() + 3h);
  co_await hold_out(end);
  notes.emplace_back("unwound");
  co_await next_turn();
}

TEST_CASE("a late task is waited for until it has unwound") {
  SimulatedWorld world;
  Notes notes;

  CHECK(!world.run(within(world.clock, Instant{1h}, unwind_slowly(world.clock, notes))));

  CHECK(notes == Notes{"unwound"});
  CHECK(world.clock.now() == Instant{3h});
}

TEST_CASE("a record that was handed over at the deadline is not lost") {
  SimulatedWorld world;
  Queue<int> queue{1};
  Operation<std::optional<std::optional<int>>> pop{world.loop, within(world.clock, Instant{1h}, queue.pop())};
  Timer push{world.clock.timers(), [&] { CHECK(queue.try_push(7)); }};
  push.arm(Instant{1h - 1ns});
  world.clock.run_until([&] { return queue.size() > 0 || world.clock.now() >= Instant{1h - 1ns}; }, 2h);
  // Handed over, not yet resumed, and the deadline comes in between.
  world.clock.timers().fire_due(Instant{1h});

  world.clock.run_until_idle();

  REQUIRE(pop.value().has_value());
  CHECK(**pop.value() == 7);
}

TEST_CASE("what the task throws comes through") {
  SimulatedWorld world;

  CHECK_THROWS_WITH(world.run(within(world.clock, Instant{1h}, fail_with("a sentence"))), "a sentence");
  CHECK(world.clock.timers().empty());
}

TEST_CASE("a cancellation that is not the deadline's comes through") {
  SimulatedWorld world;

  CHECK_THROWS_AS(world.run(within(world.clock, Instant{1h},
                                   []() -> Task<> {
                                     co_await next_turn();
                                     throw_cancelled();
                                   }())),
                  boost::system::system_error);
}

Task<> note_outcome(Clock& clock, Instant deadline, Task<> task, Notes& notes) {
  const bool in_time = co_await within(clock, deadline, std::move(task));
  notes.emplace_back(in_time ? "in time" : "late");
  co_await next_turn();
  notes.emplace_back("went on");
}

TEST_CASE("cancelling the caller cancels the task and throws after it has unwound") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(note_outcome(world.clock, Instant{24h}, noting(notes, "task", world.clock.sleep_for(12h)), notes));
  world.clock.run_for(1h);

  scope.cancel();
  world.clock.run_until_idle();

  CHECK(notes == Notes{"task"});
  CHECK(scope.size() == 0);
  CHECK(world.clock.now() == Instant{1h});
  CHECK(world.clock.timers().empty());
}

TEST_CASE("a value wins over the cancellation of the caller too") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(note_outcome(
      world.clock, Instant{24h},
      [](Clock& clock) -> Task<> { (void)co_await value_in_spite_of(clock, 12h); }(world.clock), notes));
  world.clock.run_for(1h);

  scope.cancel();
  world.clock.run_until_idle();

  CHECK(notes == Notes{"in time"});  // and the caller's next operation throws
}

TEST_CASE("a caller that is cancelled after the deadline throws") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(note_outcome(world.clock, Instant{1h}, unwind_slowly(world.clock, notes), notes));
  world.clock.run_for(2h);

  scope.cancel();
  world.clock.run_until_idle();

  CHECK(notes == Notes{"unwound"});
}

Task<> cancel_the_caller(Scope& scope) {
  scope.cancel();
  co_await next_turn();
}

TEST_CASE("a task that cancels its own caller in its first step is waited for") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};

  scope.start(note_outcome(world.clock, Instant{1h}, noting(notes, "task", cancel_the_caller(scope)), notes));
  world.clock.run_until_idle();

  CHECK(notes.front() == "task");
  CHECK(scope.size() == 0);
}

Task<std::optional<bool>> nested(SimulatedWorld& world, Instant outer, Instant inner) {
  auto task = within(world.clock, inner, world.clock.sleep_for(24h));
  const auto in_time = co_await within(world.clock, outer, std::move(task));
  co_return in_time;
}

TEST_CASE("of nested deadlines the earlier one ends the task and says so") {
  SimulatedWorld world;

  const auto by_inner = world.run(nested(world, Instant{2h}, Instant{1h}));
  CHECK(by_inner == std::optional<bool>{false});
  CHECK(world.clock.now() == Instant{1h});

  const auto by_outer = world.run(nested(world, Instant{2h}, Instant{3h}));
  CHECK(!by_outer.has_value());
  CHECK(world.clock.now() == Instant{2h});
}

Task<int> many_deadlines(Clock& clock, int upto) {
  int in_time = 0;
  for (int i = 0; i < upto; ++i) {
    const bool done = co_await within(clock, clock.now() + 1h, next_turn());
    in_time += done ? 1 : 0;
  }
  co_return in_time;
}

TEST_CASE("a loop of deadlines neither grows the stack nor keeps the loop running") {
  Loop loop;
  RealClock clock{loop};

  CHECK(run_task(loop, many_deadlines(clock, 100'000)) == 100'000);

  CHECK(clock.timers().empty());
  loop.run();
}

}  // namespace
}  // namespace sluice
