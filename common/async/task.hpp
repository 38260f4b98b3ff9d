// A Task is a coroutine on one concrete event loop. It starts when it is awaited or given to a Scope.
//
// Style that every compiler survives and every reader follows: name the operation, then await it
// (`auto stored = co_await log.append(record);`), no co_await in a condition, a ternary or a braced list.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace sluice {

using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

// The completion token with which a Task awaits one of Asio's own operations.
inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

// Whether this is the operation_aborted that a cancelled task throws out of its innermost operation.
[[nodiscard]] bool is_cancellation(const boost::system::system_error& error);

// Throws what a cancelled operation throws.
[[noreturn]] void throw_cancelled();

}  // namespace sluice
