// A value that one task awaits and that somebody gives once: the bridge from callbacks and other threads into
// coroutines.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/loop.hpp"
#include "common/async/task.hpp"
#include "common/async/waiter.hpp"
#include "common/base/ensure.hpp"

namespace sluice {

// Both sides hold it: `auto reply = Reply<int>::on(loop);` … `reply->give(7);` … `auto seven = co_await reply->wait();`
template <class T>
class Reply : public std::enable_shared_from_this<Reply<T>> {
  struct Private {
    explicit Private() = default;
  };

 public:
  [[nodiscard]] static std::shared_ptr<Reply<T>> on(Loop& loop) { return std::make_shared<Reply<T>>(Private{}, loop); }

  Reply(Private /*only on() makes one*/, Loop& loop) : loop_(loop) {}

  // On the loop's thread; the first wins, later ones are ignored.
  void give(T value) {
    if (given_.exchange(true, std::memory_order_relaxed)) return;
    value_.emplace(std::move(value));
    arrived();
  }

  // From any other thread, through the loop's inbox. The loop must outlive the call.
  void give_from(T value) {
    if (given_.exchange(true, std::memory_order_relaxed)) return;
    value_.emplace(std::move(value));  // this thread's alone until the inbox hands it over
    loop_.post([self = this->shared_from_this()] { self->arrived(); });
  }

  // The same for several at once: one entry in the inbox of each loop.
  static void give_all_from(std::vector<std::pair<std::shared_ptr<Reply>, T>> answers) {
    std::map<Loop*, std::vector<std::shared_ptr<Reply>>> given;
    for (auto& [reply, value] : answers) {
      if (reply->given_.exchange(true, std::memory_order_relaxed)) continue;
      reply->value_.emplace(std::move(value));
      given[&reply->loop_].push_back(std::move(reply));
    }
    for (auto& [loop, replies] : given) {
      loop->post([these = std::move(replies)] {
        for (const auto& reply : these) reply->arrived();
      });
    }
  }

  // At most one waiter. Throws operation_aborted when cancelled; a value given later is dropped.
  Task<T> wait() {
    const auto self = this->shared_from_this();
    if (!arrived_) co_await waiter_.wait();
    ENSURE(value_.has_value(), "a reply is awaited once");
    auto value = std::move(*value_);
    value_.reset();
    co_return value;
  }

  [[nodiscard]] bool arrived_already() const { return arrived_; }  // on the loop's thread

 private:
  void arrived() {
    arrived_ = true;
    waiter_.wake();
  }

  Loop& loop_;
  std::atomic<bool> given_{false};
  bool arrived_ = false;  // on the loop's thread
  std::optional<T> value_;
  Waiter waiter_;
};

}  // namespace sluice
