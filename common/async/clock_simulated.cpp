#include "common/async/clock_simulated.hpp"

#include <algorithm>

#include "common/base/ensure.hpp"

namespace sluice {

SimulatedClock::SimulatedClock(Loop& loop, WallTime start) : loop_(loop), wall_start_(start) {
  loop_.resumes_max = 1;
}

WallTime SimulatedClock::wall() const {
  return wall_start_ + std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch() + wall_jumped_ + asleep_);
}

std::uint64_t SimulatedClock::run_until_idle() {
  std::uint64_t steps = 0;
  while (step(Instant::max())) count(steps);
  return steps;
}

void SimulatedClock::run_for(Duration stretch) {
  const auto end = now_ + stretch;
  std::uint64_t steps = 0;
  while (step(end)) count(steps);
  now_ = end;
}

bool SimulatedClock::run_until(const std::function<bool()>& reached, Duration limit) {
  const auto end = now_ + limit;
  std::uint64_t steps = 0;
  while (!reached()) {
    if (!step(end)) return false;
    count(steps);
  }
  return true;
}

void SimulatedClock::jump_wall(Duration by) {
  wall_jumped_ += by;
}

void SimulatedClock::sleep_machine(Duration by) {
  asleep_ += by;
}

bool SimulatedClock::step(Instant limit) {
  if (loop_.run_one_ready() > 0) return true;
  if (timers_.empty() || timers_.earliest() > limit) return false;
  now_ = std::max(now_, timers_.earliest());
  timers_.fire_due(now_);
  return true;
}

void SimulatedClock::count(std::uint64_t& steps) const {
  ENSURE(++steps <= steps_max, "the simulation makes no end: steps_max reached");
}

}  // namespace sluice
