// SIGTERM = SIGINT: the first drains, a second one ends the process at once (exit 130), still losing nothing that was
// durable.
#pragma once

#include "common/async/loop.hpp"
#include "common/async/task.hpp"

namespace sluice {

// Ignores SIGPIPE, raises the limit of open files to what is allowed. Once, before threads start.
void prepare_process();

// Waits for the first SIGTERM or SIGINT; from then on a second one ends the process.
Task<int> wait_for_stop(Loop& loop);

}  // namespace sluice
