// Time as a seam. Nothing outside this folder asks the system for the time or for a pause, so the whole program can
// run in simulated time from a seed.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/async/task.hpp"
#include "common/async/timer.hpp"

namespace sluice {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Lives on one loop and is used from that loop's thread; the three readings may be taken from any thread.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual Instant now() const = 0;    // never goes back, stands still while the machine sleeps
  [[nodiscard]] virtual WallTime wall() const = 0;  // may jump either way by hours
  [[nodiscard]] virtual Instant boot() const = 0;   // like now(), but goes on while the machine sleeps

  [[nodiscard]] virtual TimerQueue& timers() = 0;

  // Throws boost::system::system_error(operation_aborted) when the task is cancelled meanwhile.
  Task<> sleep_until(Instant due);
  Task<> sleep_for(Duration pause) { return sleep_until(now() + pause); }
};

}  // namespace sluice
