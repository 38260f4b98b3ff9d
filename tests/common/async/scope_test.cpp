#include <doctest/doctest.h>

#include <vector>

#include "common/async/scope.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

Task<> sleep_and_note(Clock& clock, Duration pause, std::vector<Duration>& woke) {
  co_await clock.sleep_for(pause);
  woke.push_back(clock.now().time_since_epoch());
}

Task<> two_sleepers(SimulatedWorld& world, std::vector<Duration>& woke) {
  Scope scope{world.loop};
  scope.start(sleep_and_note(world.clock, 2h, woke));
  scope.start(sleep_and_note(world.clock, 1h, woke));
  co_await scope.join();
}

TEST_CASE("a join waits for every child") {
  SimulatedWorld world;
  std::vector<Duration> woke;

  world.run(two_sleepers(world, woke));

  CHECK(woke == std::vector<Duration>{1h, 2h});
}

}  // namespace
}  // namespace sluice
