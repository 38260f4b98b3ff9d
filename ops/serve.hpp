// `sluice up`: everything in one process, until SIGTERM.
#pragma once

#include "common/config/read.hpp"
#include "common/process/control_socket.hpp"
#include "ops/exit_codes.hpp"

namespace sluice::ops {

Exit serve(const config::Reading& reading, Output& output);

}  // namespace sluice::ops
