// Runs a task to its end and returns its value or rethrows what it threw.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "common/async/clock_simulated.hpp"
#include "common/async/loop.hpp"
#include "common/async/spawn.hpp"
#include "common/async/task.hpp"
#include "common/base/ensure.hpp"

namespace sluice {

namespace detail {

template <class T>
struct Outcome {
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  std::exception_ptr thrown;
  [[nodiscard]] bool there() const { return value.has_value() || thrown != nullptr; }
  T take() {
    ENSURE(there(), "the loop ran out of work before the task ended");
    if (thrown) std::rethrow_exception(thrown);
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};

template <class T>
Task<> run_into(Outcome<T>& outcome, Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    outcome.value = true;
  } else {
    auto value = co_await std::move(task);
    outcome.value.emplace(std::move(value));
  }
}

template <class T>
Task<> run_into_and_stop(Loop& loop, Outcome<T>& outcome, Task<T> task) {
  co_await run_into(outcome, std::move(task));
  loop.stop();
}

}  // namespace detail

// On a loop with real time. Other tasks of the loop go on meanwhile and stay where they are afterwards.
template <class T>
T run_task(Loop& loop, Task<T> task) {
  detail::Outcome<T> outcome;
  spawn(loop, detail::run_into_and_stop(loop, outcome, std::move(task)), [&](std::exception_ptr thrown) {
    outcome.thrown = std::move(thrown);
    loop.stop();
  });
  loop.run();
  return outcome.take();
}

// In simulated time; a task that has not ended after `limit` of it is a broken promise.
template <class T>
T run_task(Loop& loop, SimulatedClock& clock, Task<T> task, Duration limit = std::chrono::hours{24 * 365}) {
  detail::Outcome<T> outcome;
  spawn(loop, detail::run_into(outcome, std::move(task)),
        [&](std::exception_ptr thrown) { outcome.thrown = std::move(thrown); });
  clock.run_until([&] { return outcome.there(); }, limit);
  return outcome.take();
}

}  // namespace sluice
