#include "common/async/clock.hpp"

#include "common/async/waiter.hpp"

namespace sluice {
namespace {

class Sleep final : public Waiter {
 public:
  Sleep(TimerQueue* timers, Instant due) : timer_(*timers, [this] { wake(); }) { timer_.arm(due); }

 private:
  Timer timer_;
};

}  // namespace

Task<> Clock::sleep_until(Instant due) {
  return Waiter::wait_on<Sleep>(&timers(), due);
}

}  // namespace sluice
