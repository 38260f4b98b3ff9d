// One event loop: one thread, one Asio context, one inbox for completions of other threads.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "common/async/task.hpp"

namespace sluice {

class Inbox;

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  [[nodiscard]] Executor executor() { return context_.get_executor(); }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  // The loop on which a task runs; from inside a task: `Loop::of(co_await boost::asio::this_coro::executor)`.
  [[nodiscard]] static Loop& of(const Executor& executor);

  // From any thread. Thousands of calls while the loop is busy cost one wake-up. Runs in the order of the calls.
  void post(std::function<void()> work);

  void run();              // until stop(), or until nothing is left to do
  std::size_t run_ready(); // what is ready now, without waiting; for simulations. Returns how many handlers ran.
  void stop();             // from any thread

  // Keeps run() from returning while nothing is pending.
  void hold();
  void release();

 private:
  boost::asio::io_context context_{1};
  std::unique_ptr<Inbox> inbox_;
  std::optional<boost::asio::executor_work_guard<Executor>> held_;
};

}  // namespace sluice
