#include "common/async/waiter.hpp"

#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "common/async/loop.hpp"
#include "common/base/ensure.hpp"

namespace sluice {

Task<> Waiter::wait() {
  return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
      [](Handler handler, Waiter* self) { self->suspend(std::move(handler)); }, use_task, this);
}

Task<> Waiter::wait_through() {
  const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
  ENSURE(!throws, "wait_through() is awaited with throw_if_cancelled(false)");
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) cancelled();
  try {
    co_await wait();
  } catch (const boost::system::system_error&) {  // NOLINT(bugprone-empty-catch): aborted, which ends the wait as well
  }
}

void Waiter::suspend(Handler handler) {
  ENSURE(!handler_, "a waiter has one waiting coroutine at most");
  auto slot = boost::asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) slot.emplace<Canceller>(*this);
  auto& loop = Loop::of(handler.get_executor());
  handler_.emplace(std::move(handler));
  if (std::exchange(state_, State::waiting) == State::woken) {
    state_ = State::ready;
    loop.make_ready(*this);
  } else {
    loop.suspended(*this);
  }
}

void Waiter::end(bool aborted) {
  detail::OwnerHook::unlink();
  if (state_ == State::idle && !aborted) state_ = State::woken;
  if (state_ != State::waiting) return;
  state_ = State::ready;
  aborted_ = aborted;
  Loop::of(handler_->get_executor()).make_ready(*this);
}

void Waiter::resume() {
  auto handler = std::move(*handler_);
  handler_.reset();
  state_ = State::idle;
  boost::system::error_code ended;
  if (std::exchange(aborted_, false)) ended = boost::asio::error::operation_aborted;
  handler(ended);  // this object may be gone when it returns
}

void Waiter::drop() {
  state_ = State::idle;
  auto handler = std::move(*handler_);
  handler_.reset();
}

}  // namespace sluice
