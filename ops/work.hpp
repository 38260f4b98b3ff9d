// Where a command does its work: through the serving process when that holds the data folder, else on the world that it
// opens itself.
#pragma once

#include <string>
#include <vector>

#include "ops/command.hpp"

namespace sluice::ops {

Exit work(const Parsed& parsed, const std::vector<std::string>& arguments, const config::Reading& reading,
          Output& output);

}  // namespace sluice::ops
