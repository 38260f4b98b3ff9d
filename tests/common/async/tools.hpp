// Small tasks and observers that the tests of this folder share.
#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "common/async/scope.hpp"
#include "common/async/spawn.hpp"
#include "common/async/task.hpp"
#include "common/async/waiter.hpp"

namespace sluice {

inline Task<> wait_for_ever() {
  Waiter never;
  co_await never.wait();
}

inline Task<> fail_with(std::string sentence) {
  co_await next_turn();
  throw std::runtime_error(sentence);
}

// Waits until it is woken, whatever is cancelled.
class Unstoppable final : public Waiter {
  void cancelled() override {}
};

inline Task<> hold_out(Waiter& waiter) {
  const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_await waiter.wait_through();
  co_await boost::asio::this_coro::throw_if_cancelled(throws);
}

// Counts the objects that live: moved-from ones not.
class Living {
 public:
  explicit Living(int& count) : count_(&count) { ++count; }
  Living(Living&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Living& operator=(Living&&) = delete;
  ~Living() {
    if (count_ != nullptr) --*count_;
  }

 private:
  int* count_;
};

inline bool threw_cancellation(const std::exception_ptr& thrown) {
  if (!thrown) return false;
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    return is_cancellation(error);
  } catch (...) {
    return false;
  }
}

// Notes the end of the frame that holds it.
class Noted {
 public:
  Noted(std::vector<std::string>& notes, std::string name) : notes_(notes), name_(std::move(name)) {}
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;
  ~Noted() { notes_.push_back(name_); }

 private:
  std::vector<std::string>& notes_;
  std::string name_;
};

inline Task<> noting(std::vector<std::string>& notes, std::string name, Task<> task) {
  const Noted noted{notes, std::move(name)};
  co_await std::move(task);
}

// How one operation ended, started in a scope of its own so that it can be cancelled alone.
template <class T>
class Operation {
 public:
  Operation(Loop& loop, Task<T> task) : scope_(loop) { scope_.start(run(std::move(task))); }

  void cancel() { scope_.cancel(); }
  [[nodiscard]] bool running() const { return scope_.size() > 0; }
  [[nodiscard]] bool cancelled() const { return !running() && !value_ && !thrown_; }
  [[nodiscard]] const std::optional<T>& value() const { return value_; }
  [[nodiscard]] std::optional<T>& value() { return value_; }

 private:
  Task<> run(Task<T> task) {
    auto value = co_await std::move(task);
    value_.emplace(std::move(value));
  }

  std::optional<T> value_;
  std::exception_ptr thrown_;
  Scope scope_;
};

}  // namespace sluice
