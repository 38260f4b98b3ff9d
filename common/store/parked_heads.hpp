// What is known of each parked conversation's head beside its record: how often it was tried, when it is tried again,
// since when it stands there and why. The record itself stands in the pool's retry partition, and whether a
// conversation is parked is decided there alone: a row without a record means nothing, a record without a row is due at
// once.
//
// Only the owner of the partition writes its rows. So the key is the partition and the lane (64 bits of a hash over the
// conversation's key, tenant included), and what the owner reads spans tenants; what people read names one.
#pragma once

#include <chrono>
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

struct ParkedHead {
  std::string pool;
  std::int32_t partition = 0;
  std::int64_t lane = 0;
  std::string tenant;
  std::string event;  // the head's id
  std::int64_t tries = 0;
  WallTime since{};  // when it was parked
  WallTime due{};    // when it is tried again
  std::string why;   // for a person
  WallTime last_failed{};
  std::chrono::milliseconds paused{};         // since it was parked, under an open breaker or a pause that is over
  std::optional<WallTime> paused_since = {};  // it is under one now

  bool operator==(const ParkedHead&) const = default;
};

// All heads of one partition, in the order of their lanes.
Task<Result<std::vector<ParkedHead>>> load_parked_heads(db::Database& database, std::string pool,
                                                        std::int32_t partition);

Task<Result<std::optional<ParkedHead>>> find_parked_head(db::Database& database, std::string pool,
                                                         std::int32_t partition, std::int64_t lane);

// Replaces the row of the lane. Doing either again changes nothing.
db::Statement keep_parked_head(ParkedHead head);
db::Statement forget_parked_head(std::string pool, std::int32_t partition, std::int64_t lane);

// For people: the heads of one tenant, those that stand longest first, at most `rows_max`; the rest comes with `after`,
// the last one of the page before.
constexpr std::int64_t parked_page_rows_max = 500;
Task<Result<std::vector<ParkedHead>>> list_parked_heads(db::Database& database, event::Tenant tenant,
                                                        std::optional<ParkedHead> after = {},
                                                        std::int64_t rows_max = parked_page_rows_max);

}  // namespace sluice::store
