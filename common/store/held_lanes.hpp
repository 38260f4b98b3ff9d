// Conversations whose followers wait for an operator: one of their events became a dead letter in a pool that holds
// them. Such a row stands whether or not anything stands behind it, and goes only when it is released.
//
// As with parked heads the owner of the partition writes it, under its partition and lane; so may one who has not heard
// yet that he is it no longer. Anybody may release.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

// Told after each release, in every process.
constexpr std::string_view held_lanes_channel = "held_lanes";

struct HeldLane {
  std::string pool;
  std::int32_t partition = 0;
  std::int64_t lane = 0;
  std::string tenant;
  std::string event;  // that became the dead letter
  std::string why;    // for a person
  WallTime since{};

  bool operator==(const HeldLane&) const = default;
};

// Replaces the row of the lane: the newest dead letter is the one to look at.
db::Statement hold_lane(HeldLane held);

// False: nothing was held. Doing it again changes nothing.
Task<Result<bool>> release_lane(db::Database& database, std::string pool, std::int32_t partition, std::int64_t lane);

// Of one partition, those that wait longest first.
Task<Result<std::vector<HeldLane>>> load_held_lanes(db::Database& database, std::string pool, std::int32_t partition);

Task<Result<std::optional<HeldLane>>> find_held_lane(db::Database& database, std::string pool, std::int32_t partition,
                                                     std::int64_t lane);

// For people: those of one tenant, the same way, at most `rows_max`.
constexpr std::int64_t held_rows_max = 1000;
Task<Result<std::vector<HeldLane>>> list_held_lanes(db::Database& database, event::Tenant tenant,
                                                    std::int64_t rows_max = held_rows_max);

}  // namespace sluice::store
