#include <doctest/doctest.h>

#include "tests/common/log/simulated_workload.hpp"
#include "tests/support/seed.hpp"

namespace sluice::log {

TEST_CASE("many seeds with all faults keep every promise and come to an end") {
  constexpr std::uint64_t seeds = instrumented ? 250 : 1000;
  const auto first = test_seed();
  std::size_t acknowledged = 0;
  std::size_t stale = 0;
  std::size_t crashes = 0;

  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    CAPTURE(seed);
    SimulatedWorkload workload{seed};
    workload.run();
    workload.check();
    acknowledged += workload.acknowledged();
    stale += workload.stale();
    crashes += workload.crashes();
  }

  MESSAGE(acknowledged, " appends acknowledged, ", stale, " stale commits refused, ", crashes, " crashes");
  CHECK(acknowledged > 50 * seeds);  // the faults leave something to be proved
  CHECK(stale > seeds / 2);
  CHECK(crashes > seeds);
}

TEST_CASE("the same seed makes the same history byte for byte") {
  for (std::uint64_t seed = test_seed(); seed < test_seed() + 30; ++seed) {
    CAPTURE(seed);
    SimulatedWorkload one{seed};
    one.run();
    SimulatedWorkload other{seed};
    other.run();

    CHECK_FALSE(one.history().empty());
    CHECK((one.history() == other.history()));
  }
}

TEST_CASE("another seed makes another history") {
  SimulatedWorkload one{1};
  one.run();
  SimulatedWorkload other{3};
  other.run();

  CHECK((one.history() != other.history()));
}

}  // namespace sluice::log
