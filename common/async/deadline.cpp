#include "common/async/deadline.hpp"

namespace sluice {
namespace detail {

void Branch::ended(std::exception_ptr failure, bool cancelled) {
  failure_ = std::move(failure);
  was_cancelled_ = cancelled;
  over_ = true;
  wake();
}

void Branch::cancelled() {
  caller_cancelled_ = true;
  signal_.emit(boost::asio::cancellation_type::terminal);
}

Task<> Branch::end(Clock& clock, Instant deadline) {
  Timer timer{clock.timers(), [this] {
                late_ = true;
                signal_.emit(boost::asio::cancellation_type::terminal);
              }};
  timer.arm(deadline);
  co_await wait_through();
  timer.disarm();
}

void Branch::rethrow_unless_late() const {
  const bool ended_by_deadline = late_ && !caller_cancelled_ && was_cancelled_;
  if (failure_ && !ended_by_deadline) std::rethrow_exception(failure_);
}

}  // namespace detail

Task<bool> within(Clock& clock, Instant deadline, Task<> task) {
  return detail::keep_within<void, bool>(clock, deadline, std::move(task));
}

}  // namespace sluice
