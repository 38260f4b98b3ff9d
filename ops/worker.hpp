// `sluice-worker POOL[,POOL...]`: some pools as a process of their own, until SIGTERM.
#pragma once

#include <string>
#include <vector>

#include "common/process/control_socket.hpp"
#include "ops/exit_codes.hpp"
#include "workers/pools.hpp"

namespace sluice::ops {

// `arguments` without the program's name. An unknown pool is Exit::usage with one line that lists the allowed ones.
Exit run_worker(const std::vector<std::string>& arguments, const workers::PoolRegistry& pools, Output& output);

}  // namespace sluice::ops
