// The one way in which a coroutine of ours suspends: everything that waits (replies, sleeps, queues, permits, joins)
// is built on it.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/error_code.hpp>

#include "common/async/task.hpp"

namespace sluice {

class Loop;

namespace detail {
struct ByLoop;   // the hook by which the loop knows every suspended coroutine
struct ByOwner;  // the hook of whoever will wake it: a queue, a semaphore, a signal
using LoopHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ByLoop>,
                                                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using OwnerHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ByOwner>,
                                                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
}  // namespace detail

// Lives in the frame of the coroutine that waits (or in something that frame keeps alive), on one loop's thread.
// A woken coroutine never runs inside the call that woke it: the loop resumes it from its ready list, in the order of
// waking, so neither a long chain of wake-ups nor a loop of a million ready awaits grows the stack.
class Waiter : public detail::LoopHook, public detail::OwnerHook {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter() = default;

  // Suspends until wake(), or throws operation_aborted after abort(). At most one coroutine waits at a time; awaited
  // again after it ended, it waits anew.
  Task<> wait();

  // The same for what must not be left behind: whatever cancelled() does, it comes back, without throwing, only after
  // wake() or abort(). A cancelled task throws at each co_await before that even begins, so the caller switches this
  // off around it:
  //
  //   const bool throws = co_await throw_if_cancelled();
  //   co_await throw_if_cancelled(false);
  //   co_await waiter.wait_through();
  //   co_await throw_if_cancelled(throws);
  //
  // cancelled() is called here when the task was cancelled before it came.
  Task<> wait_through();

  // Waits on an Op, itself a Waiter, which is built from the arguments in the frame of the wait: one frame less than a
  // coroutine around a Waiter, which counts for the small waits that everything else is made of.
  template <std::derived_from<Waiter> Op, class... Arguments>
  static Task<> wait_on(Arguments... arguments) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(InPlace<Op>{}, use_task, arguments...);
  }

  // Ends the wait; a wake-up that comes before wait() is kept for it. After wake() or abort() the other has no effect,
  // and the waiter stands in no owner's list any more.
  void wake() { end(false); }
  void abort() { end(true); }

  [[nodiscard]] bool waiting() const { return state_ == State::waiting; }

 protected:
  // What the cancellation of the waiting task does. It may come once more after the wait was ended.
  virtual void cancelled() { abort(); }

 private:
  friend class Loop;
  using Token = const boost::asio::use_awaitable_t<Executor>;
  using Handler = boost::asio::async_result<std::remove_const_t<Token>, void(boost::system::error_code)>::handler_type;
  enum class State : std::uint8_t { idle, woken, waiting, ready };

  struct Canceller {
    Waiter& waiter;
    void operator()(boost::asio::cancellation_type /*type*/) const { waiter.cancelled(); }
  };

  template <class Op>
  struct InPlace {
    InPlace() = default;
    InPlace(InPlace&& /*only ever moved empty*/) noexcept {}

    template <class... Arguments>
    void operator()(Handler handler, Arguments&&... arguments) {
      op.emplace(arguments...);
      op->suspend(std::move(handler));
    }

    std::optional<Op> op;
  };

  void suspend(Handler handler);
  void end(bool aborted);
  void resume();  // by the loop, from its ready list
  void drop();    // by the loop, when it is destroyed: gives up the coroutine without resuming it

  std::optional<Handler> handler_;
  State state_ = State::idle;
  bool aborted_ = false;
};

// In the order in which they came. Destroying the list leaves its waiters waiting; only cancellation ends them then.
using WaitList = boost::intrusive::list<Waiter, boost::intrusive::base_hook<detail::OwnerHook>,
                                        boost::intrusive::constant_time_size<false>>;

}  // namespace sluice
