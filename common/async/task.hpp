// A Task is a coroutine on one concrete event loop. It starts when it is awaited or given to a Scope.
//
// Style that every compiler survives and every reader follows: name the operation, then await it
// (`auto stored = co_await log.append(record);`); no co_await in a condition, a ternary or a braced list.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice {

using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

}  // namespace sluice
