// Of records with equal keys only the last is kept, and a tombstone erases.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/log/sqlite_core.hpp"

namespace sluice::log {

// Walks one partition from its newest record down. A key that has been seen makes every older record of it go. The keys
// are remembered up to a bound; above it another round begins where the first key was left out.
//
// Poison supersedes nothing and is never removed: its key may not be its own.
class SqliteCompaction {
 public:
  SqliteCompaction(std::shared_ptr<SqliteCore> core, PartitionId partition);

  struct Outcome {
    std::size_t removed = 0;
    WallTime oldest_tombstone = WallTime::max();  // of those that are too young to go
  };
  Task<Result<Outcome>> run(Clock* pauses);

 private:
  struct Round {
    Offset below = 0;  // where it goes on
    std::set<std::string, std::less<>> keys;
    std::size_t key_bytes = 0;
    std::vector<Offset> superseded;  // found and not yet removed
    std::vector<Offset> tombstones;  // old enough; they go when everything that they erase has gone
    std::optional<Offset> next_round_below;
  };

  void judge(Round& round, const Record& record);
  Task<Result<std::size_t>> remove(std::vector<Offset>& offsets, Clock* pauses);

  std::shared_ptr<SqliteCore> core_;
  PartitionId partition_;
  WallTime tombstones_before_;
  Outcome outcome_;
};

}  // namespace sluice::log
