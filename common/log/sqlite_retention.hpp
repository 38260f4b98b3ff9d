// Removing what may go, in steps so small that appends go in between.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "common/async/clock.hpp"
#include "common/log/sqlite_core.hpp"

namespace sluice::log {

// One call at a time.
class SqliteRetention {
 public:
  explicit SqliteRetention(std::shared_ptr<SqliteCore> core) : core_(std::move(core)) {}

  // By age, by key, then the pages. Answers with the number of removed records; after a failure the rest is left for
  // the next round. Pauses between the steps when there is a clock.
  Task<Result<std::size_t>> once(Clock* pauses);

 private:
  Task<Result<std::size_t>> remove_old(const Topic& topic, Clock* pauses);
  Task<Result<std::size_t>> compact(const Topic& topic, Clock* pauses);
  Task<Done> give_back_pages(Clock* pauses);

  std::shared_ptr<SqliteCore> core_;
  // What was found when a partition was compacted last.
  struct Compacted {
    Offset end = 0;
    WallTime oldest_tombstone = WallTime::max();  // of those that were too young to go
  };
  std::unordered_map<PartitionId, Compacted> compacted_;
  Instant next_compaction_{};
};

// Pauses between two steps, when there is something to pause with.
Task<> pause_between_steps(const SqliteLogLimits& limits, Clock* pauses);

}  // namespace sluice::log
