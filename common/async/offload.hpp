// Blocking work beside the loop: a few threads with a bounded queue before them.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "common/async/guarded.hpp"
#include "common/async/loop.hpp"
#include "common/async/task.hpp"
#include "common/async/thread.hpp"
#include "common/async/waiter.hpp"
#include "common/async/work.hpp"
#include "common/base/result.hpp"

namespace sluice {

namespace detail {
template <class R>
struct OffloadResult {
  using Type = Result<R>;
};
template <class T>
struct OffloadResult<Result<T>> {
  using Type = Result<T>;
};
}  // namespace detail

class Offload {
 public:
  // With no threads at all, each job runs on the loop of its caller, in a turn of its own: for simulations.
  Offload(std::size_t threads, std::size_t queue_max, const std::string& name = "offload");
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;
  ~Offload();  // stops

  // Runs `f` on a thread of the pool and resumes on the caller's loop with what it returned: Result<R> for an f that
  // returns R, and for one that returns Result<R> the same. Kind::overloaded at once when the queue is full,
  // Kind::stopping after stop(). A job cannot be cancelled: a cancelled caller waits for its job, gets its value, and
  // throws at its next operation. What f throws comes out of here. A loop must not be destroyed
  // while a job of it is under way.
  template <class F>
  Task<typename detail::OffloadResult<std::invoke_result_t<F&>>::Type> run(F f) {
    using R = std::invoke_result_t<F&>;
    auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
    Job<F, R> job{loop, std::move(f)};
    const auto taken = take(loop, [&job] { job.run(); });
    if (!taken) co_return fail(taken.error());
    const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await job.wait_through();
    co_await boost::asio::this_coro::throw_if_cancelled(throws);
    if (job.thrown) std::rethrow_exception(job.thrown);
    if constexpr (std::is_void_v<R>) {
      co_return Result<R>{};
    } else {
      co_return std::move(*job.value);
    }
  }

  // Finishes what is queued, then ends the threads; takes nothing more. Blocks meanwhile. May be called twice.
  void stop();

 private:
  struct Nothing {};

  template <class F, class R>
  struct Job final : Waiter {
    Job(Loop& its_loop, F&& its_function) : loop(its_loop), function(std::move(its_function)) {}

    void run() {  // on a thread of the pool
      try {
        if constexpr (std::is_void_v<R>) {
          function();
        } else {
          value.emplace(function());
        }
      } catch (...) {
        thrown = std::current_exception();
      }
      loop.post([this] { wake(); });
    }
    void cancelled() override {}

    Loop& loop;
    F function;
    std::optional<std::conditional_t<std::is_void_v<R>, Nothing, R>> value;
    std::exception_ptr thrown;
  };

  struct State;

  Done take(Loop& loop, Work job);

  std::shared_ptr<State> state_;  // a loop may hold it too
  std::vector<Thread> threads_;
};

}  // namespace sluice
