// Deadlines: a task that has only so long.
#pragma once

#include <optional>
#include <utility>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"

namespace sluice {

// At the deadline the task is cancelled, and its unwinding is waited for. False means the deadline passed; a task that
// ends well all the same counts as done. A deadline that has passed already starts nothing. Cancelling the caller
// cancels the task, and this throws only after the task has unwound. The task's own exceptions come through.
Task<bool> within(Clock& clock, Instant deadline, Task<> task);

namespace detail {
template <class T>
Task<> keep_value(std::optional<T>& value, Task<T> task) {
  auto result = co_await std::move(task);
  value.emplace(std::move(result));
}
}  // namespace detail

// The same for a task with a value; nullopt means the deadline passed.
template <class T>
Task<std::optional<T>> within(Clock& clock, Instant deadline, Task<T> task) {
  std::optional<T> value;
  co_await within(clock, deadline, detail::keep_value(value, std::move(task)));
  co_return value;
}

}  // namespace sluice
