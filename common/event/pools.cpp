#include "common/event/pools.hpp"

#include <fmt/format.h>

namespace sluice::event {

PoolTopics topics_of(std::string_view prefix, std::string_view pool) {
  const std::string_view read = pool == "dedup" ? "inbound" : pool;
  return {.main = fmt::format("{}.{}", prefix, read),
          .retry = fmt::format("{}.{}.retry", prefix, pool),
          .dead = fmt::format("{}.{}.dead", prefix, pool)};
}

std::string group_of(std::string_view prefix, std::string_view pool) {
  return fmt::format("{}.{}", prefix, pool);
}

}  // namespace sluice::event
