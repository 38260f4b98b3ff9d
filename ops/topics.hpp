// `sluice topics`: what the log holds, and making what is missing.
#pragma once

#include "ops/command.hpp"

namespace sluice::ops {

// Every topic of every pool, as the blueprint wants them.
std::vector<log::TopicSpec> topics_wanted(std::string_view prefix);

Task<Exit> list_topics(CommandContext& context, bool json);
Task<Exit> create_topics(CommandContext& context);

}  // namespace sluice::ops
