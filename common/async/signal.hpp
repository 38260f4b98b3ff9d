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

  Task<> wait() { return Waiter::wait_on<Listener>(&waiting_); }  // throws operation_aborted when cancelled

  [[nodiscard]] bool awaited() const { return !waiting_.empty(); }

 private:
  struct Listener final : Waiter {
    explicit Listener(WaitList* waiting) { waiting->push_back(*this); }
  };

  WaitList waiting_;
};

}  // namespace sluice
