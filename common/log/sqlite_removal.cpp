#include "common/log/sqlite_removal.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

namespace sluice::log {

namespace {

constexpr std::string_view watermarks_text =
    "SELECT group_name, max(CASE WHEN partition_id = $1 THEN watermark END) FROM log_commit "
    "WHERE partition_id BETWEEN $2 AND $3 GROUP BY group_name";
constexpr std::string_view oldest_text =
    "SELECT offset, at FROM log_record INDEXED BY log_record_by_partition WHERE partition_id = $1 AND offset < $2 "
    "ORDER BY offset LIMIT $3";
constexpr std::string_view delete_text = "DELETE FROM log_record WHERE offset = $1 AND partition_id = $2";
constexpr std::string_view removed_text =
    "UPDATE log_partition SET removed_below = max(removed_below, $1) WHERE id = $2";

Result<std::size_t> remove(db::StatementCache& statements, PartitionId partition, const std::vector<Offset>& offsets) {
  if (offsets.empty()) return std::size_t{0};
  auto remove = statements.prepare(delete_text);
  if (!remove) return fail(std::move(remove).error());
  std::size_t removed = 0;
  for (const auto offset : offsets) {
    remove->bind_integer(1, offset);
    remove->bind_integer(2, partition);
    auto done = remove->run();
    if (!done) return fail(std::move(done).error());
    removed += static_cast<std::size_t>(sqlite3_changes(statements.file()));
  }
  auto remember = statements.prepare(removed_text);
  if (!remember) return fail(std::move(remember).error());
  remember->bind_integer(1, std::ranges::max(offsets) + 1);
  remember->bind_integer(2, partition);
  auto done = remember->run();
  if (!done) return fail(std::move(done).error());
  return removed;
}

// Stops at the first that is too young, so that what is left has no holes.
Result<std::vector<Offset>> oldest(db::StatementCache& statements, PartitionId partition, Offset below, WallTime before,
                                   std::size_t rows_max) {
  auto select = statements.prepare(oldest_text);
  if (!select) return fail(std::move(select).error());
  select->bind_integer(1, partition);
  select->bind_integer(2, below);
  select->bind_integer(3, static_cast<std::int64_t>(rows_max));
  std::vector<Offset> offsets;
  while (true) {
    auto row = select->step();
    if (!row) return fail(std::move(row).error());
    if (!*row || select->integer(1) >= before.time_since_epoch().count()) return offsets;
    offsets.push_back(select->integer(0));
  }
}

// Below this offset every group of the topic has finished with the partition; none when the topic has no group. A group
// counts when it has committed somewhere in the topic or is among `readers`.
Result<std::optional<Offset>> lowest_watermark(db::StatementCache& statements, const Topic& topic,
                                               PartitionId partition, const std::vector<std::string>& readers) {
  auto select = statements.prepare(watermarks_text);
  if (!select) return fail(std::move(select).error());
  select->bind_integer(1, partition);
  select->bind_integer(2, topic.partitions.front());  // a topic's partitions are numbered on end when it is made
  select->bind_integer(3, topic.partitions.back());
  std::optional<Offset> lowest;
  auto fresh = readers;  // and have committed nothing yet
  while (true) {
    auto row = select->step();
    if (!row) return fail(std::move(row).error());
    if (!*row) break;
    lowest = std::min(lowest.value_or(std::numeric_limits<Offset>::max()), select->integer(1));  // 0 for NULL
    std::erase(fresh, select->text(0));
  }
  if (!fresh.empty()) lowest = 0;
  return lowest;
}

}  // namespace

RemoveOldJob::RemoveOldJob(std::shared_ptr<SqliteCore> core, Loop& loop, const Topic& topic, PartitionId partition,
                           WallTime before)
    : AnsweringJob(std::move(core), loop), topic_(topic), partition_(partition), before_(before) {}

Result<std::size_t> RemoveOldJob::work() {
  auto& statements = core().file.statements();
  auto lowest = lowest_watermark(statements, topic_, partition_, core().groups.readers_of(topic_.spec.name));
  if (!lowest) return fail(std::move(lowest).error());
  const auto below = lowest->value_or(std::numeric_limits<Offset>::max());
  auto offsets = oldest(statements, partition_, below, before_, core().limits.retention_step_rows_max);
  if (!offsets) return fail(std::move(offsets).error());
  return remove(statements, partition_, *offsets);
}

RemoveJob::RemoveJob(std::shared_ptr<SqliteCore> core, Loop& loop, PartitionId partition, std::vector<Offset> offsets)
    : AnsweringJob(std::move(core), loop), partition_(partition), offsets_(std::move(offsets)) {}

Result<std::size_t> RemoveJob::work() {
  return remove(core().file.statements(), partition_, offsets_);
}

Result<bool> VacuumJob::work() {
  const auto text = fmt::format("PRAGMA incremental_vacuum({})", core().limits.vacuum_step_pages);
  auto vacuum = core().file.statements().prepare(text);
  if (!vacuum) return fail(std::move(vacuum).error());
  while (true) {  // a row for each page
    auto row = vacuum->step();
    if (!row) return fail(std::move(row).error());
    if (!*row) return true;
  }
}

}  // namespace sluice::log
