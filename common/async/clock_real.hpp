// The system's clocks, with one system timer for all timers of a loop.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/basic_waitable_timer.hpp>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"

namespace sluice {

class RealClock final : public Clock {
 public:
  explicit RealClock(Loop& loop);
  RealClock(const RealClock&) = delete;
  RealClock& operator=(const RealClock&) = delete;
  ~RealClock() override;  // timers that are still armed never fire

  [[nodiscard]] Instant now() const override;
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] Instant boot() const override;
  [[nodiscard]] TimerQueue& timers() override { return timers_; }

 private:
  using SystemTimer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  void wake_at(Instant due);
  void woke_up();
  void emptied();

  Loop& loop_;
  // Handlers that the loop already queued outlive this object; they find the clock through here, or find nothing.
  std::shared_ptr<RealClock*> self_ = std::make_shared<RealClock*>(this);
  SystemTimer system_timer_;
  std::optional<Instant> set_for_;  // when the system timer goes off; it may be too early, never too late
  bool look_posted_ = false;
  TimerQueue timers_;
};

}  // namespace sluice
