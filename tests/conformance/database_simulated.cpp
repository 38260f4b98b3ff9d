// The database of simulations, with delays and without faults.
#include <memory>

#include <doctest/doctest.h>

#include "tests/conformance/database_simulated_world.hpp"

namespace sluice::db::conformance {
namespace {

std::unique_ptr<DatabaseWorld> make_world() {
  return std::make_unique<SimulatedDatabaseWorld>();
}

}  // namespace

#define PLAY(function, sentence)               \
  TEST_CASE("simulated: " sentence) {          \
    play(make_world, {}, #function, function); \
  }
SLUICE_DATABASE_CASES(PLAY)
#undef PLAY

TEST_CASE("simulated: what this world cannot do is stated") {
  check_exceptions("simulated", {});
}

}  // namespace sluice::db::conformance
