// Deadlines: a task that has only so long.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/async/clock.hpp"
#include "common/async/launch.hpp"
#include "common/async/task.hpp"
#include "common/async/waiter.hpp"

namespace sluice {

namespace detail {

// The task beside its caller, with a signal of its own. It lies in the caller's frame, which waits for its end.
class Branch final : public Waiter {
 public:
  [[nodiscard]] boost::asio::cancellation_slot slot() { return signal_.slot(); }
  [[nodiscard]] bool over() const { return over_; }
  void ended(std::exception_ptr failure);

  // Waits for the end, which comes soon after the deadline or the caller's cancellation. Awaited with
  // throw_if_cancelled(false).
  Task<> end(Clock& clock, Instant deadline);

  void rethrow_unless_late() const;  // what the task threw

 private:
  void cancelled() override;

  boost::asio::cancellation_signal signal_;
  std::exception_ptr failure_;
  bool over_ = false;
  bool late_ = false;
  bool caller_cancelled_ = false;
};

template <class T>
Outermost keep_value(Branch& branch, std::optional<T>& value, Task<T> task) {
  std::exception_ptr failure;
  try {
    auto result = co_await std::move(task);
    value.emplace(std::move(result));
  } catch (...) {
    failure = std::current_exception();
  }
  branch.ended(std::move(failure));
}

}  // namespace detail

// At the deadline the task is cancelled, and its unwinding is waited for. None means the deadline passed; a task that
// ends well all the same counts as done. A deadline that has passed already starts nothing. Cancelling the caller
// cancels the task, and this throws only after the task has unwound. The task's own exceptions come through.
template <class T>
Task<std::optional<T>> within(Clock& clock, Instant deadline, Task<T> task) {
  std::optional<T> value;
  if (clock.now() >= deadline) co_return value;
  const auto executor = co_await boost::asio::this_coro::executor;
  detail::Branch branch;
  launch(executor, detail::keep_value(branch, value, std::move(task)), branch.slot());
  if (!branch.over()) {
    const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await branch.end(clock, deadline);
    co_await boost::asio::this_coro::throw_if_cancelled(throws);
  }
  branch.rethrow_unless_late();
  co_return value;
}

// The same for a task without a value; false means the deadline passed.
Task<bool> within(Clock& clock, Instant deadline, Task<> task);

}  // namespace sluice
