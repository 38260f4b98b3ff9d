// Time that moves only when nothing else is left to do: an hour passes in microseconds, the same way each time.
// Single-threaded: the loop's ready work and the jumps of time both run inside the calls below.
#pragma once

#include <cstdint>
#include <functional>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"

namespace sluice {

class SimulatedClock final : public Clock {
 public:
  // From now on the loop resumes one coroutine at a time, so that a simulation can stop between any two.
  SimulatedClock(Loop& loop, WallTime start);

  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] Instant boot() const override { return now_ + asleep_; }
  [[nodiscard]] TimerQueue& timers() override { return timers_; }

  // Runs what is ready, then jumps to the earliest timer, until neither is left. Returns the number of steps; more than
  // `steps_max` of them in one call are a livelock, hence a mistake of ours.
  std::uint64_t run_until_idle();

  // The same for a stretch of time; what is due at its very end still happens. Afterwards now() is exactly its end.
  void run_for(Duration stretch);

  // The same until `reached` answers true, asked before each step. False when nothing that happens within `limit` of
  // simulated time changes the answer; the time then stands at the last thing that happened.
  bool run_until(const std::function<bool()>& reached, Duration limit);

  // One handler that is ready, or else one jump to the earliest timer. False when there is neither.
  bool step() { return step(Instant::max()); }

  void jump_wall(Duration by);      // somebody sets the wall clock, either way; no timer notices
  void sleep_machine(Duration by);  // a suspended laptop: wall() and boot() go on, now() and the timers stand still

  std::uint64_t steps_max = 100'000'000;  // handlers run and jumps made per call

 private:
  bool step(Instant limit);  // false when nothing is ready and no timer is due up to `limit`
  void count(std::uint64_t& steps) const;

  Loop& loop_;
  Instant now_;
  WallTime wall_start_;
  Duration wall_jumped_{};
  Duration asleep_{};
  TimerQueue timers_{{}};
};

}  // namespace sluice
