#include "tests/simulation/simulation.hpp"

#include <doctest/doctest.h>

#include "tests/support/seed.hpp"

namespace sluice::simulation {
namespace {

std::string history_of(std::uint64_t seed) {
  Simulation simulation{seed, true};
  simulation.run();
  return simulation.history();
}

}  // namespace

TEST_CASE("the same seed makes the same history byte for byte") {
  for (std::uint64_t seed = test_seed(); seed < test_seed() + 20; ++seed) {
    CAPTURE(seed);
    const std::string one = history_of(seed);
    const std::string other = history_of(seed);

    CHECK_FALSE(one.empty());
    CHECK((one == other));
  }
}

TEST_CASE("another seed makes another history") {
  const std::string one = history_of(1);
  const std::string other = history_of(2);

  CHECK((one != other));
}

TEST_CASE("a few seeds leave something to be proved") {
  Simulation::Figures sum;

  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Simulation simulation{seed, false};
    simulation.run();
    const auto figures = simulation.figures();
    CHECK_FALSE(simulation.what_broke().has_value());
    sum.events += figures.events;
    sum.runs += figures.runs;
    sum.crashes += figures.crashes;
    sum.stops += figures.stops;
    sum.orphans += figures.orphans;
    sum.killed += figures.killed;
    sum.held += figures.held;
    sum.trips += figures.trips;
  }

  CHECK(sum.events > 1000);
  CHECK(sum.runs > 2 * sum.events);
  CHECK(sum.crashes > 20);
  CHECK(sum.stops > 40);
  CHECK(sum.orphans > 0);
  CHECK(sum.killed > 0);
  CHECK(sum.held > 0);
  CHECK(sum.trips > 0);
}

}  // namespace sluice::simulation
