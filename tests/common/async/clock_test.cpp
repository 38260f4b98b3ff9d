#include <vector>

#include <doctest/doctest.h>

#include "common/async/clock_real.hpp"
#include "common/async/clock_simulated.hpp"
#include "common/async/scope.hpp"
#include "common/async/spawn.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

Task<> sleep_and_note(Clock& clock, Duration pause, std::vector<Duration>& pauses) {
  co_await clock.sleep_for(pause);
  pauses.push_back(pause);
}

TEST_CASE("real sleeps end in the order of their due times and never early") {
  Loop loop;
  RealClock clock{loop};
  std::vector<Duration> pauses;
  const auto start = clock.now();

  for (const auto pause : {30ms, 10ms, 20ms, 0ms}) {
    spawn(loop, sleep_and_note(clock, pause, pauses), or_die("a sleeper"));
  }
  loop.run();

  CHECK(pauses == std::vector<Duration>{0ms, 10ms, 20ms, 30ms});
  CHECK(clock.now() - start >= 30ms);
}

TEST_CASE("an earlier sleep moves the system timer forward") {
  Loop loop;
  RealClock clock{loop};
  Timer far{clock.timers(), [] {}};
  far.arm(clock.now() + 1h);
  loop.run_ready();

  run_task(loop, clock.sleep_for(1ms));

  CHECK(far.armed());
}

TEST_CASE("a timer that was disarmed does not delay the next one") {
  Loop loop;
  RealClock clock{loop};
  bool fired = false;
  Timer early{clock.timers(), [] { FAIL("it was disarmed"); }};
  Timer late{clock.timers(), [&] { fired = true; }};
  early.arm(clock.now() + 1ms);
  late.arm(clock.now() + 20ms);
  early.disarm();

  loop.run();

  CHECK(fired);
}

TEST_CASE("a disarmed timer far away does not keep the loop running") {
  Loop loop;
  RealClock clock{loop};
  Timer far{clock.timers(), [] {}};
  far.arm(clock.now() + 24h);
  far.disarm();

  loop.run();

  far.arm(clock.now() + 24h);
  far.disarm();
  run_task(loop, clock.sleep_for(1ms));
  loop.run();
}

TEST_CASE("a callback that arms for a past time fires again in a later turn") {
  Loop loop;
  RealClock clock{loop};
  int fired = 0;
  Timer again{clock.timers(), [&] {
                if (++fired < 5) again.arm(Instant{});
              }};
  again.arm(clock.now());

  loop.run();

  CHECK(fired == 5);
}

TEST_CASE("a real clock may end while its timers are armed") {
  Loop loop;
  bool fired = false;
  {
    RealClock clock{loop};
    Timer timer{clock.timers(), [&] { fired = true; }};
    timer.arm(clock.now());
    Timer emptied{clock.timers(), [] {}};
    timer.disarm();
  }

  loop.run();

  CHECK(!fired);
}

TEST_CASE("the real readings are of this machine") {
  Loop loop;
  const RealClock clock{loop};
  const auto steady = clock.now();

  CHECK(clock.now() >= steady);
  CHECK(clock.boot().time_since_epoch() >= steady.time_since_epoch() - 1ms);
  CHECK(clock.wall() > WallTime{std::chrono::sys_days{std::chrono::year{2020} / 1 / 1}});
}

TEST_CASE("simulated time jumps from timer to timer and a year costs nothing") {
  SimulatedWorld world;
  std::vector<Duration> pauses;
  for (const Duration pause : {Duration{24h * 365}, Duration{1h}, Duration{2h}}) {
    spawn(world.loop, sleep_and_note(world.clock, pause, pauses), or_die("a sleeper"));
  }

  world.clock.run_until_idle();

  CHECK(pauses == std::vector<Duration>{1h, 2h, 24h * 365});
  CHECK(world.clock.now() == Instant{24h * 365});
}

TEST_CASE("run_for includes its end and stands exactly there") {
  SimulatedWorld world;
  std::vector<Duration> pauses;
  for (const auto pause : {1s, 2s, 3s}) {
    spawn(world.loop, sleep_and_note(world.clock, pause, pauses), or_die("a sleeper"));
  }

  world.clock.run_for(2s);
  CHECK(pauses == std::vector<Duration>{1s, 2s});
  CHECK(world.clock.now() == Instant{2s});

  world.clock.run_for(500ms);
  CHECK(world.clock.now() == Instant{2500ms});
  world.clock.run_for(500ms);
  CHECK(pauses.size() == 3);
}

TEST_CASE("run_until stops as soon as the answer is true") {
  SimulatedWorld world;
  std::vector<Duration> pauses;
  for (const auto pause : {1s, 2s, 3s}) {
    spawn(world.loop, sleep_and_note(world.clock, pause, pauses), or_die("a sleeper"));
  }

  CHECK(world.clock.run_until([&] { return pauses.size() == 2; }, 1h));
  CHECK(world.clock.now() == Instant{2s});
  CHECK(!world.clock.run_until([&] { return pauses.size() == 3; }, 999ms));
  CHECK(pauses.size() == 2);
  CHECK(world.clock.run_until([&] { return pauses.size() == 3; }, 1s));
  CHECK(!world.clock.run_until([] { return false; }, 1h));
}

TEST_CASE("the wall clock jumps either way and no timer notices") {
  SimulatedWorld world;
  const auto start = world.clock.wall();
  std::vector<Duration> pauses;
  spawn(world.loop, sleep_and_note(world.clock, 2h, pauses), or_die("a sleeper"));

  world.clock.run_for(1h);
  CHECK(world.clock.wall() == start + 1h);
  world.clock.jump_wall(-3h);
  CHECK(world.clock.wall() == start - 2h);
  CHECK(world.clock.now() == Instant{1h});
  CHECK(world.clock.boot() == Instant{1h});
  world.clock.jump_wall(5h);
  CHECK(world.clock.wall() == start + 3h);
  CHECK(pauses.empty());

  world.clock.run_for(1h);
  CHECK(pauses.size() == 1);
}

TEST_CASE("a sleeping machine stops now but neither wall nor boot") {
  SimulatedWorld world;
  const auto start = world.clock.wall();

  world.clock.sleep_machine(3h);

  CHECK(world.clock.now() == Instant{});
  CHECK(world.clock.boot() == Instant{3h});
  CHECK(world.clock.wall() == start + 3h);
}

Task<> for_ever() {
  for (;;) co_await next_turn();
}

TEST_CASE("a simulation that makes no end is a broken promise") {
  CHECK(dies_saying("makes no end", [] {
    SimulatedWorld world;
    world.clock.steps_max = 1'000;
    spawn(world.loop, for_ever(), or_die("the spinner"));
    world.clock.run_until_idle();
  }));
}

TEST_CASE("a simulation can stop between any two coroutines") {
  SimulatedWorld world;
  std::vector<Duration> pauses;
  for (int i = 0; i < 3; ++i) spawn(world.loop, sleep_and_note(world.clock, 1s, pauses), or_die("a sleeper"));

  for (std::size_t seen = 1; seen <= 3; ++seen) {
    CHECK(world.clock.run_until([&] { return !pauses.empty(); }, 1s));
    CHECK(pauses.size() == 1);
    pauses.clear();
  }
}

TEST_CASE("a cancelled sleep throws and leaves no timer behind") {
  SimulatedWorld world;
  std::vector<Duration> pauses;
  Scope scope{world.loop};
  scope.start(sleep_and_note(world.clock, 1h, pauses));
  world.clock.run_for(1min);
  REQUIRE(world.clock.timers().size() == 1);

  scope.cancel();
  world.clock.run_until_idle();

  CHECK(scope.size() == 0);
  CHECK(pauses.empty());
  CHECK(world.clock.timers().empty());
  CHECK(world.clock.now() == Instant{1min});
}

}  // namespace
}  // namespace sluice
