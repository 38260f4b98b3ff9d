// SIGTERM = SIGINT: the first drains, a second one ends the process at once (exit 130), still losing nothing that was
// durable.
#pragma once

#include <boost/asio/signal_set.hpp>

#include "common/async/loop.hpp"
#include "common/async/task.hpp"

namespace sluice {

// Ignores SIGPIPE, raises the limit of open files to what is allowed. Once, before threads start.
void prepare_process();

// From its making on the first SIGTERM or SIGINT is kept for wait(); after it a second one ends the process.
class StopSignals {
 public:
  explicit StopSignals(Loop& loop);
  Task<int> wait();

 private:
  boost::asio::basic_signal_set<Executor> signals_;
};

}  // namespace sluice
