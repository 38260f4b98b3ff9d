// Timers of one loop: a heap in which arming and disarming cost well under a microsecond, with one system timer behind it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

namespace sluice {

struct Monotonic {  // the clock of Instant; it has no now(): only a Clock tells the time
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};
using Instant = Monotonic::time_point;
using Duration = std::chrono::nanoseconds;

class TimerQueue;

// A callback that fires once at or after its due time on the loop's thread. Destruction disarms.
class Timer {
 public:
  Timer(TimerQueue& queue, std::function<void()> on_due);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  void arm(Instant due);  // re-arming moves it
  void disarm();
  [[nodiscard]] bool armed() const { return place_ != nowhere; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  TimerQueue& queue_;
  std::function<void()> on_due_;
  Instant due_{};
  std::uint64_t order_ = 0;  // equal due times fire in the order of arming
  std::size_t place_ = nowhere;
};

class TimerQueue {
 public:
  // `earliest_changed` is told when the next due time moved forward, so that the owner can set its system timer.
  explicit TimerQueue(std::function<void(Instant)> earliest_changed);
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] Instant earliest() const;  // only when not empty
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

  // Fires everything due at `now`, in the order of due time. A callback may arm and disarm any timer.
  void fire_due(Instant now);

 private:
  friend class Timer;
  void insert(Timer& timer);
  void remove(Timer& timer);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void put(std::size_t place, Timer* timer);

  std::function<void(Instant)> earliest_changed_;
  std::vector<Timer*> heap_;
  std::uint64_t armed_so_far_ = 0;
};

}  // namespace sluice
