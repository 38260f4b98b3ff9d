// A process that serves until SIGTERM: `sluice up` with everything, or `sluice-worker` with some pools.
#pragma once

#include "common/config/read.hpp"
#include "common/process/control_socket.hpp"
#include "ops/exit_codes.hpp"
#include "workers/pools.hpp"

namespace sluice::ops {

struct Serves {
  const workers::PoolRegistry& pools;
  std::vector<std::string> names;  // of those that run here
  bool workers_alone = false;      // then what the engines' watchdogs see decides about readiness
};
Exit serve(const config::Reading& reading, Serves what, Output& output);

}  // namespace sluice::ops
