#include "common/async/deadline.hpp"

#include <exception>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/async/waiter.hpp"

namespace sluice {
namespace {

// The task beside its caller, with a signal of its own. It lies in the caller's frame, which waits for its end.
class Branch final : public Waiter {
 public:
  void ended(std::exception_ptr error) {
    failure_ = std::move(error);
    wake();
  }
  void too_late() {
    late_ = true;
    signal_.emit(boost::asio::cancellation_type::terminal);
  }
  void cancelled() override {
    caller_cancelled_ = true;
    signal_.emit(boost::asio::cancellation_type::terminal);
  }

  [[nodiscard]] boost::asio::cancellation_slot slot() { return signal_.slot(); }

  // True when the task ended well, false when the deadline ended it; throws what else it threw.
  [[nodiscard]] bool outcome() const {
    if (!failure_) return true;
    if (late_ && !caller_cancelled_ && is_cancellation(failure_)) return false;
    std::rethrow_exception(failure_);
  }

 private:
  boost::asio::cancellation_signal signal_;
  std::exception_ptr failure_;
  bool late_ = false;
  bool caller_cancelled_ = false;
};

// What Asio calls when the task is over. As in a scope, the slot is its own member and not bound from outside.
struct Ended {
  using cancellation_slot_type = boost::asio::cancellation_slot;
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return branch.slot(); }

  void operator()(std::exception_ptr error) const noexcept { branch.ended(std::move(error)); }

  Branch& branch;
};

}  // namespace

Task<bool> within(Clock& clock, Instant deadline, Task<> task) {
  if (clock.now() >= deadline) co_return false;
  const auto executor = co_await boost::asio::this_coro::executor;
  const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  Branch branch;
  Timer timer{clock.timers(), [&branch] { branch.too_late(); }};
  timer.arm(deadline);
  boost::asio::co_spawn(executor, std::move(task), Ended{branch});
  co_await branch.wait_through();
  timer.disarm();
  co_await boost::asio::this_coro::throw_if_cancelled(throws);
  co_return branch.outcome();
}

}  // namespace sluice
