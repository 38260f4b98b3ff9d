// A loop, its simulated clock and seeded chance: what a test in simulated time needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "common/async/clock_simulated.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "tests/support/run.hpp"
#include "tests/support/seed.hpp"

namespace sluice {

struct SimulatedWorld {
  explicit SimulatedWorld(std::uint64_t seed = test_seed()) : random(seed) {}

  template <class T>
  T run(Task<T> task, Duration limit = std::chrono::hours{24 * 365}) {
    return run_task(loop, clock, std::move(task), limit);
  }

  Loop loop;
  SimulatedClock clock{loop, WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  SeededRandom random;
};

}  // namespace sluice
