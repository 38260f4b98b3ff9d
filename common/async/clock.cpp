#include "common/async/clock.hpp"

#include "common/async/waiter.hpp"

namespace sluice {

Task<> Clock::sleep_until(Instant due) {
  Waiter waiter;
  Timer timer{timers(), [&waiter] { waiter.wake(); }};
  timer.arm(due);
  co_await waiter.wait();
}

}  // namespace sluice
