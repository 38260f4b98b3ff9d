#include "common/async/deadline.hpp"

namespace sluice {
namespace detail {

void Branch::ended(std::exception_ptr failure) {
  failure_ = std::move(failure);
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
  const bool ended_by_deadline = late_ && !caller_cancelled_ && is_cancellation(failure_);
  if (failure_ && !ended_by_deadline) std::rethrow_exception(failure_);
}

}  // namespace detail

namespace {

struct Nothing {};

Task<Nothing> and_nothing(Task<> task) {
  co_await std::move(task);
  co_return Nothing{};
}

}  // namespace

Task<bool> within(Clock& clock, Instant deadline, Task<> task) {
  auto working = within(clock, deadline, and_nothing(std::move(task)));
  const auto done = co_await std::move(working);
  co_return done.has_value();
}

}  // namespace sluice
