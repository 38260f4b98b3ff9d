#include "common/log/sqlite_board.hpp"

#include <algorithm>
#include <utility>

#include "common/base/ensure.hpp"

namespace sluice::log {

std::size_t SqliteBoard::index_of(PartitionId partition) const {
  const auto index = static_cast<std::size_t>(partition);
  ENSURE(index < places_.size(), "the board knows every partition");
  return index;
}

void SqliteBoard::add(PartitionId partition, Offset end) {
  const std::scoped_lock lock(mutex_);
  const auto index = static_cast<std::size_t>(partition);
  while (index >= places_.size()) places_.emplace_back();
  auto& added = places_[index];
  if (std::exchange(added.known, true)) return;
  added.end = end;
  added.fresh_from = end;
}

const std::atomic<Offset>& SqliteBoard::end_of(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  return place(partition).end;
}

void SqliteBoard::publish(std::span<const std::shared_ptr<NewRow>> rows) {
  const std::scoped_lock lock(mutex_);
  for (const auto& row : rows) {
    auto& grown = place(row->partition);
    grown.end = row->offset + 1;
    if (grown.watchers.empty()) {
      grown.fresh_from = row->offset + 1;
    } else {
      keep(grown, row);
    }
  }
  for (const auto& row : rows) {
    for (auto* watcher : place(row->partition).watchers) watcher->grown();
  }
}

void SqliteBoard::watch(PartitionId partition, Watcher& watcher) {
  const std::scoped_lock lock(mutex_);
  place(partition).watchers.push_back(&watcher);
}

void SqliteBoard::unwatch(PartitionId partition, Watcher& watcher) {
  const std::scoped_lock lock(mutex_);
  auto& watchers = place(partition).watchers;
  std::erase(watchers, &watcher);
  if (watchers.empty()) forget_all(partition);
}

std::vector<RowPointer> SqliteBoard::fresh(PartitionId partition, Offset from, ReadLimits limits) const {
  const std::scoped_lock lock(mutex_);
  const auto& asked = place(partition);
  std::vector<RowPointer> rows;
  if (from < asked.fresh_from) return rows;
  const auto first = std::ranges::lower_bound(asked.fresh, from, {}, [](const RowPointer& row) { return row->offset; });
  std::size_t bytes = 0;
  for (auto row = first; row != asked.fresh.end() && rows.size() < limits.records_max; ++row) {
    bytes += (*row)->bytes();
    if (bytes > limits.bytes_max && !rows.empty()) break;
    rows.push_back(*row);
  }
  return rows;
}

void SqliteBoard::keep(Place& grown, RowPointer row) {
  kept_bytes_ += row->bytes();
  kept_.push_back({row->partition, row->offset});
  grown.fresh.push_back(std::move(row));
  while (kept_bytes_ > fresh_bytes_max_) {
    auto& oldest = place(kept_.front().partition);
    ENSURE(oldest.fresh.front()->offset == kept_.front().offset,
           "fresh rows are forgotten in the order of their offsets");
    kept_.pop_front();
    forget_front(oldest);
  }
}

void SqliteBoard::forget_front(Place& full) {
  const auto& row = full.fresh.front();
  kept_bytes_ -= row->bytes();
  full.fresh_from = row->offset + 1;
  full.fresh.pop_front();
}

void SqliteBoard::forget_all(PartitionId partition) {
  auto& emptied = place(partition);
  while (!emptied.fresh.empty()) forget_front(emptied);
  emptied.fresh_from = emptied.end.load();
  std::erase_if(kept_, [partition](const Kept& kept) { return kept.partition == partition; });
}

}  // namespace sluice::log
