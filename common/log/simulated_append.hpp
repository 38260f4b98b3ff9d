// The way of an append through the simulated network: split by partition, each part with a fate of its own, unless it
// is atomic.
#pragma once

#include <memory>
#include <vector>

#include "common/async/reply.hpp"
#include "common/log/log.hpp"
#include "common/log/simulated_broker.hpp"
#include "common/log/simulated_process.hpp"

namespace sluice::log {

using AppendOutcome = Result<std::vector<Offset>>;
using AppendReply = std::shared_ptr<Reply<AppendOutcome>>;

// The broker must be there and the process must not be closed. Records are sent in the order of these calls.
AppendReply send_append(const std::shared_ptr<SimulatedProcess>& process, std::vector<Outgoing> records);
AppendReply send_atomic_append(const std::shared_ptr<SimulatedProcess>& process, std::vector<Outgoing> records,
                               db::Batch changes, std::vector<Commit> commits);

}  // namespace sluice::log
