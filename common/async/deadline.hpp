// Deadlines: a task that has only so long.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

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
  void ended(std::exception_ptr failure, bool cancelled);

  // Waits for the end, which comes soon after the deadline or the caller's cancellation. Awaited with
  // throw_if_cancelled(false).
  Task<> end(Clock& clock, Instant deadline);

  void rethrow_unless_late() const;  // what the task threw

 private:
  void cancelled() override;

  boost::asio::cancellation_signal signal_;
  std::exception_ptr failure_;
  bool was_cancelled_ = false;  // which is what failure_ says
  bool over_ = false;
  bool late_ = false;
  bool caller_cancelled_ = false;
};

template <class T, class Kept>
Outermost keep_result(Branch& branch, Kept& kept, Task<T> task) {
  std::exception_ptr failure;
  bool cancelled = false;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      kept = true;
    } else {
      auto result = co_await std::move(task);
      kept.emplace(std::move(result));
    }
  } catch (const boost::system::system_error& error) {
    // Seen here, since to look into an exception_ptr costs as much as to throw once more.
    failure = std::current_exception();
    cancelled = is_cancellation(error);
  } catch (...) {
    failure = std::current_exception();
  }
  branch.ended(std::move(failure), cancelled);
}

template <class T, class Kept>
Task<Kept> keep_within(Clock& clock, Instant deadline, Task<T> task) {
  Kept kept{};
  if (clock.now() >= deadline) co_return kept;
  const auto executor = co_await boost::asio::this_coro::executor;
  Branch branch;
  launch(executor, keep_result(branch, kept, std::move(task)), branch.slot());
  if (!branch.over()) {
    const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await branch.end(clock, deadline);
    co_await boost::asio::this_coro::throw_if_cancelled(throws);
  }
  branch.rethrow_unless_late();
  co_return kept;
}

}  // namespace detail

// At the deadline the task is cancelled, and its unwinding is waited for. None means the deadline passed; a task that
// ends well all the same counts as done. A deadline that has passed already starts nothing. Cancelling the caller
// cancels the task, and this throws only after the task has unwound. The task's own exceptions come through.
template <class T>
Task<std::optional<T>> within(Clock& clock, Instant deadline, Task<T> task) {
  return detail::keep_within<T, std::optional<T>>(clock, deadline, std::move(task));
}

// The same for a task without a value; false means the deadline passed.
Task<bool> within(Clock& clock, Instant deadline, Task<> task);

}  // namespace sluice
