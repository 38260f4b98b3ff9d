#include "common/event/pools.hpp"

#include <fmt/format.h>

namespace sluice::event {

std::string main_topic_of(std::string_view prefix, std::string_view pool) {
  return fmt::format("{}.{}", prefix, pool == "dedup" ? "inbound" : pool);
}

PoolTopics topics_of(std::string_view prefix, std::string_view pool) {
  return {.main = main_topic_of(prefix, pool),
          .retry = fmt::format("{}.{}.retry", prefix, pool),
          .dead = fmt::format("{}.{}.dead", prefix, pool)};
}

std::string group_of(std::string_view prefix, std::string_view pool) {
  return fmt::format("{}.{}", prefix, pool);
}

}  // namespace sluice::event
