// `sluice status`: one screen of what is going on.
#pragma once

#include "ops/command.hpp"

namespace sluice::ops {

Task<Exit> show_status(CommandContext& context, bool json);

}  // namespace sluice::ops
