// How far each partition reaches on the disk, told by the writer after each commit and asked by everyone. What was just
// written stays here for a while, so that a consumer that keeps up gets it without reading it back.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/log/log.hpp"
#include "common/log/sqlite_rows.hpp"

namespace sluice::log {

// Who wants to know that a partition has grown.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void grown() = 0;  // inside WriteJob::finished; only passes it on
};

using RowPointer = std::shared_ptr<const NewRow>;

// From any thread.
class SqliteBoard {
 public:
  explicit SqliteBoard(std::size_t fresh_bytes_max) : fresh_bytes_max_(fresh_bytes_max) {}

  // Makes a partition known; a second time does nothing.
  void add(PartitionId partition, Offset end);

  // One above the newest record that is durable. The reference stays good as long as the board.
  [[nodiscard]] const std::atomic<Offset>& end_of(PartitionId partition) const;

  // By the writer, in the order of commits: these rows are durable.
  void publish(std::span<const std::shared_ptr<NewRow>> rows);

  // While somebody watches a partition, its fresh rows are kept.
  void watch(PartitionId partition, Watcher& watcher);
  void unwatch(PartitionId partition, Watcher& watcher);  // no call to it is under way or follows

  // Rows from `from` on, at most so many, when all of them are still here; nothing when the file must be asked.
  [[nodiscard]] std::vector<RowPointer> fresh(PartitionId partition, Offset from, ReadLimits limits) const;

 private:
  struct Place {
    bool known = false;
    std::atomic<Offset> end{0};
    Offset fresh_from = 0;  // all rows at or above are in `fresh`
    std::deque<RowPointer> fresh;
    std::vector<Watcher*> watchers;
  };

  struct Kept {
    PartitionId partition = 0;
    Offset offset = 0;
  };

  [[nodiscard]] std::size_t index_of(PartitionId partition) const;  // ENSUREs that it is known
  Place& place(PartitionId partition) { return places_[index_of(partition)]; }
  [[nodiscard]] const Place& place(PartitionId partition) const { return places_[index_of(partition)]; }
  void keep(Place& grown, RowPointer row);
  void forget_front(Place& full);
  void forget_all(PartitionId partition);

  const std::size_t fresh_bytes_max_;
  mutable std::mutex mutex_;
  std::deque<Place> places_;  // by partition id
  std::deque<Kept> kept_;     // all fresh rows, the oldest first
  std::size_t kept_bytes_ = 0;
};

}  // namespace sluice::log
