#include "common/async/clock_real.hpp"

#include <ctime>
#include <utility>

#include <boost/asio/post.hpp>

namespace sluice {

RealClock::RealClock(Loop& loop)
    : loop_(loop),
      system_timer_(loop.executor()),
      timers_([this](Instant due) { wake_at(due); }, [this] { emptied(); }) {}

RealClock::~RealClock() {
  *self_ = nullptr;
}

Instant RealClock::now() const {
  return Instant{std::chrono::steady_clock::now().time_since_epoch()};
}

WallTime RealClock::wall() const {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Instant RealClock::boot() const {
  timespec reading{};
  clock_gettime(CLOCK_BOOTTIME, &reading);
  return Instant{std::chrono::seconds{reading.tv_sec} + std::chrono::nanoseconds{reading.tv_nsec}};
}

// Moving the system timer costs far more than a heap operation, so it is moved only when it would come too late. When
// the earliest timer was disarmed it comes too early, finds nothing due and is set anew.
void RealClock::wake_at(Instant due) {
  if (set_for_ && *set_for_ <= due) return;
  set_for_ = due;
  system_timer_.expires_at(std::chrono::steady_clock::time_point{due.time_since_epoch()});
  system_timer_.async_wait([self = self_](boost::system::error_code error) {
    if (!error && *self != nullptr) (*self)->woke_up();
  });
}

void RealClock::woke_up() {
  set_for_.reset();
  timers_.fire_due(now());
  if (!timers_.empty()) wake_at(timers_.earliest());
}

// A pending system timer keeps run() from returning, so it is given up when no timer is left. Not at once: a task that
// sets and cancels one deadline after the other would pay for a system timer each time.
void RealClock::emptied() {
  if (!set_for_ || std::exchange(look_posted_, true)) return;
  boost::asio::post(loop_.context(), [self = self_] {
    auto* clock = *self;
    if (clock == nullptr) return;
    clock->look_posted_ = false;
    if (!clock->timers_.empty() || !clock->set_for_) return;
    clock->set_for_.reset();
    clock->system_timer_.cancel();
  });
}

}  // namespace sluice
