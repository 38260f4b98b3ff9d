// "Something changed": everybody who waits at that moment looks again. On one loop's thread.
#pragma once

#include "common/async/task.hpp"
#include "common/async/waiter.hpp"

namespace sluice {

class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  // Wakes who waits now, in the order in which they came. It is not remembered for who comes later, so look at the
  // state first and wait only when it isn't what you want: `while (!ready) co_await changed.wait();`
  void notify_all() {
    while (!waiting_.empty()) waiting_.front().wake();
  }

  Task<> wait() {  // throws operation_aborted when cancelled
    Waiter waiter;
    waiting_.push_back(waiter);
    co_await waiter.wait();
  }

  [[nodiscard]] bool awaited() const { return !waiting_.empty(); }

 private:
  WaitList waiting_;
};

}  // namespace sluice
