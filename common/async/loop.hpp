// One event loop: one thread, one Asio context, one inbox for completions of other threads.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/async/task.hpp"
#include "common/async/waiter.hpp"
#include "common/async/work.hpp"

namespace sluice {

class Inbox;
class Lookout;

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Destroys the frames of all tasks that are still suspended, innermost locals first, without resuming them.
  // What those locals refer to outside their own frames (a clock, a queue of ours) may be gone by then.
  ~Loop();

  [[nodiscard]] Executor executor() { return context_.get_executor(); }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  // The loop on which a task runs; from inside a task: `Loop::of(co_await boost::asio::this_coro::executor)`.
  [[nodiscard]] static Loop& of(const Executor& executor);

  // The loop whose handlers the calling thread is running just now, null outside of run() and its like.
  [[nodiscard]] static Loop* here();

  // From any thread. Thousands of calls while the loop is busy cost one wake-up. Runs in the order of the calls.
  // The work must not throw. Work that is still queued when the loop is destroyed is dropped. The loop must be there
  // until the call returns or its work runs, whichever comes first.
  void post(Work work);

  // Another thread is about to post what somebody here waits for: the loop looks for it before it falls asleep. On its
  // thread.
  void stay_awake();

  void run();                   // until stop(), or until no task, no timer and no posted work is left
  std::size_t run_ready();      // what is ready now, without waiting; for simulations. Returns how many handlers ran.
  std::size_t run_one_ready();  // at most one of them
  void stop();                  // from any thread; before run() it makes that run() return at once

  // Keeps run() from returning while nothing is pending. On the loop's thread, or while it does not run.
  void hold();
  void release();

  // How many coroutines one turn resumes before sockets and other handlers have theirs. Looking at the sockets is a
  // system call, so a turn per coroutine would halve the speed; a simulation wants it all the same, to stop between any
  // two.
  std::size_t resumes_max = 32;

  // True while the destructor takes down what is left.
  [[nodiscard]] bool ending() const { return ending_; }

 private:
  friend class Waiter;
  struct Context : boost::asio::io_context {
    explicit Context(Loop& owner) : io_context(1), loop(owner) {}
    Loop& loop;
  };
  using Waiters = boost::intrusive::list<Waiter, boost::intrusive::base_hook<detail::LoopHook>,
                                         boost::intrusive::constant_time_size<false>>;

  void suspended(Waiter& waiter) { suspended_.push_back(waiter); }
  void make_ready(Waiter& waiter);
  void post_turn();
  void take_turn() noexcept;  // what a coroutine throws is its spawner's; if it comes here, it is nobody's

  bool ending_ = false;
  bool turn_posted_ = false;
  Waiters suspended_;  // waiting for somebody to wake them
  Waiters ready_;      // woken, in the order of waking
  Context context_{*this};
  std::unique_ptr<Inbox> inbox_;
  std::unique_ptr<Lookout> lookout_;
  std::optional<boost::asio::executor_work_guard<Executor>> held_;
};

}  // namespace sluice
