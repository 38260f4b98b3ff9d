// The simulated log with all faults off: once atomic, once not, and in both ways of moving partitions.
#include <doctest/doctest.h>

#include "common/log/simulated_log.hpp"
#include "tests/conformance/log_simulated_world.hpp"

namespace sluice::conformance {

namespace {

constexpr Exception cannot_alone[] = {
    {"atomic_is_whole", "this world has no tables: append_atomically is refused"},
    {"atomic_stale_epoch", "this world has no tables: append_atomically is refused"},
    {"atomic_unmet_expectation", "this world has no tables: append_atomically is refused"},
    {"atomic_bad_record", "this world has no tables: append_atomically is refused"},
    {"atomic_survives", "this world has no tables: append_atomically is refused"},
    {"atomic_finds_the_group", "this world has no tables: append_atomically is refused"},
};

constexpr Exception cannot_with_tables[] = {
    {"atomic_is_refused", "this world is atomic"},
};

std::unique_ptr<LogWorld> atomic_world() {
  return std::make_unique<AtomicSimulatedLogWorld>();
}

std::unique_ptr<LogWorld> eager_world() {
  return std::make_unique<SimulatedLogWorld>(SimulatedOptions{.group = {.eager = true}});
}

}  // namespace

#define PLAY(function, sentence)                          \
  TEST_CASE("simulated log: " sentence) {                 \
    play(eager_world, cannot_alone, #function, function); \
  }
SLUICE_LOG_CASES(PLAY)
#undef PLAY

#define PLAY(function, sentence)                                 \
  TEST_CASE("atomic simulated log: " sentence) {                 \
    play(atomic_world, cannot_with_tables, #function, function); \
  }
SLUICE_LOG_CASES(PLAY)
#undef PLAY

TEST_CASE("simulated log: what it cannot do is stated") {
  check_exceptions("simulated log", cannot_alone);
  check_exceptions("atomic simulated log", cannot_with_tables);
}

}  // namespace sluice::conformance
