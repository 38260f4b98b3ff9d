// Top-level tasks. Everything else is started by a Scope, which waits for it.
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "common/async/loop.hpp"
#include "common/async/task.hpp"

namespace sluice {

// From any thread. The task begins in a later turn of the loop, never inside this call. Whatever it throws,
// cancellations included, reaches `on_failure` on the loop's thread; there is no way to leave that out. `on_failure`
// must not throw.
void spawn(Loop& loop, Task<> task, std::function<void(std::exception_ptr)> on_failure);

// For tasks without which the process makes no sense: logs one line to stderr that names the task and aborts.
[[nodiscard]] std::function<void(std::exception_ptr)> or_die(std::string name);

// Comes back after everything that is ready now had its turn.
Task<> next_turn();

// Begins `task` then.
Task<> in_next_turn(Task<> task);

}  // namespace sluice
