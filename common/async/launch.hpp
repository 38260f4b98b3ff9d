// How a coroutine becomes one of its own beside whoever starts it. Asio's co_spawn() does the same by way of its queue,
// twice, with a frame for each passage; for a short coroutine that is most of what it costs.
#pragma once

#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>

#include "common/async/task.hpp"

namespace sluice {

// The outermost coroutine. It lets no exception out: nobody is there to take it.
using Outermost = boost::asio::awaitable<boost::asio::detail::awaitable_thread_entry_point, Executor>;

// On the loop's thread. Runs now, inside this call, up to where it first waits. What is emitted to the slot's signal
// cancels it; the signal lives until its end. It does not keep the loop's run() from returning.
inline void launch(const Executor& executor, Outermost coroutine, boost::asio::cancellation_slot slot) {
  const boost::asio::cancellation_state state{slot};
  boost::asio::detail::awaitable_handler<Executor>(std::move(coroutine), executor, slot, state).launch();
}

}  // namespace sluice
