// `sluice migrate`: brings the tables to this release. Migrations only add, so a release runs on the schema of the next
// one.
#pragma once

#include "ops/command.hpp"

namespace sluice::ops {

Task<Exit> migrate(CommandContext& context);
Task<Exit> show_migrations(CommandContext& context, bool json);

}  // namespace sluice::ops
