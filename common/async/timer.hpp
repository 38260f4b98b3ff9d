// Timers of one loop: a heap in which arming and disarming cost well under a microsecond, with one system timer behind
// it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
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

// A callback that fires once at or after its due time on the loop's thread. Destruction disarms; a timer may outlive
// its queue, but is then never armed again. The callback must not destroy its own timer.
class Timer {
 public:
  Timer(TimerQueue& queue, std::function<void()> on_due);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  void arm(Instant due);  // re-arming moves it
  void disarm();
  [[nodiscard]] bool armed() const { return place_ != nowhere; }
  [[nodiscard]] Instant due() const;  // only when armed

 private:
  friend class TimerQueue;
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  TimerQueue& queue_;
  std::function<void()> on_due_;
  std::size_t place_ = nowhere;
  bool firing_ = false;
};

class TimerQueue {
 public:
  // `earliest_changed` is told when the next due time moved forward, so that the owner can set its system timer;
  // `emptied` when the last timer was disarmed.
  explicit TimerQueue(std::function<void(Instant)> earliest_changed, std::function<void()> emptied = {});
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();  // disarms what is armed

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] Instant earliest() const;  // only when not empty
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  [[nodiscard]] std::uint64_t armed_so_far() const { return armed_so_far_; }

  // Fires everything due at `now`, in the order of due time, equal ones in the order of arming. A callback may arm and
  // disarm any timer; what it arms waits for the next call even when it is due already, so the call always ends.
  void fire_due(Instant now);

 private:
  friend class Timer;
  struct Entry {
    Instant due;
    std::uint64_t order;
    Timer* timer;

    [[nodiscard]] bool before(const Entry& other) const {
      return due != other.due ? due < other.due : order < other.order;
    }
  };

  void insert(Timer& timer, Instant due);
  void remove(Timer& timer);
  void sift_up(std::size_t place, Entry entry);
  void sift_down(std::size_t place, Entry entry);
  void put(std::size_t place, const Entry& entry);

  std::function<void(Instant)> earliest_changed_;
  std::function<void()> emptied_;
  std::vector<Entry>
      heap_;  // four children to a node: half the depth of a binary heap, and siblings share a cache line
  std::uint64_t armed_so_far_ = 0;
};

}  // namespace sluice
