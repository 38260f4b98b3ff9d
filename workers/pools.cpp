#include "workers/pools.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/ensure.hpp"
#include "common/event/pools.hpp"

namespace sluice::workers {

void PoolRegistry::add(Pool pool) {
  const bool known = std::ranges::find(event::pools, pool.name) != event::pools.end();
  ENSURE(known && find(pool.name) == nullptr, "a pool has one of the names of the blueprint and stands here once");
  pools_.push_back(std::move(pool));
}

const Pool* PoolRegistry::find(std::string_view name) const {
  const auto found = std::ranges::find(pools_, name, &Pool::name);
  return found == pools_.end() ? nullptr : &*found;
}

std::vector<std::string> PoolRegistry::names() const {
  std::vector<std::string> all;
  for (const auto name : event::pools) {
    if (find(name) != nullptr) all.emplace_back(name);
  }
  return all;
}

Result<std::vector<std::string>> PoolRegistry::chosen(std::string_view list) const {
  const auto allowed = [this] {
    const auto all = names();
    return all.empty() ? std::string{"this version has no pools yet"}
                       : fmt::format("allowed are {}", fmt::join(all, ", "));
  };
  std::vector<std::string> chosen;
  while (true) {
    const auto comma = list.find(',');
    const std::string name{list.substr(0, comma)};
    if (find(name) == nullptr) return fail(Kind::invalid, fmt::format("there is no pool '{}', {}", name, allowed()));
    const bool twice = std::ranges::find(chosen, name) != chosen.end();
    if (twice) return fail(Kind::invalid, fmt::format("the pool {} is named twice", name));
    chosen.push_back(name);
    if (comma == std::string_view::npos) return chosen;
    list.remove_prefix(comma + 1);
  }
}

const PoolRegistry& all_pools() {
  static const PoolRegistry registry;
  return registry;
}

}  // namespace sluice::workers
