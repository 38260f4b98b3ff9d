#include "common/log/sqlite_retention.hpp"

#include <utility>

#include "common/log/sqlite_compaction.hpp"
#include "common/log/sqlite_removal.hpp"

namespace sluice::log {

namespace {

Result<std::int64_t> free_pages(SqliteReader& reader) {
  auto select = reader.statements().prepare("PRAGMA freelist_count");
  if (!select) return fail(std::move(select).error());
  auto row = select->step();
  if (!row) return fail(std::move(row).error());
  return select->integer(0);
}

// Asked of a reader first: most partitions have nothing to remove, and the writer has better things to do.
Result<bool> has_old(SqliteReader& reader, PartitionId partition, WallTime before) {
  auto oldest = reader.read(partition, 0, {.records_max = 1, .bytes_max = 1});
  if (!oldest) return fail(std::move(oldest).error());
  return !oldest->records.empty() && oldest->records.front().timestamp() < before;
}

}  // namespace

Task<> pause_between_steps(const SqliteLogLimits& limits, Clock* pauses) {
  if (pauses != nullptr) co_await pauses->sleep_for(limits.retention_step_pause);
}

Task<Result<std::size_t>> SqliteRetention::once(Clock* pauses) {
  std::size_t removed = 0;
  const bool compaction_is_due = pauses == nullptr || core_->clock.now() >= next_compaction_;
  if (compaction_is_due) next_compaction_ = core_->clock.now() + core_->limits.compaction_every;
  for (const auto* topic : core_->topics.all()) {
    auto old = co_await remove_old(*topic, pauses);
    if (!old) co_return fail(std::move(old).error());
    removed += *old;
    if (!compaction_is_due || !topic->spec.compacted) continue;
    auto superseded = co_await compact(*topic, pauses);
    if (!superseded) co_return fail(std::move(superseded).error());
    removed += *superseded;
  }
  auto given_back = co_await give_back_pages(pauses);
  if (!given_back) co_return fail(std::move(given_back).error());
  co_return removed;
}

Task<Result<std::size_t>> SqliteRetention::remove_old(const Topic& topic, Clock* pauses) {
  std::size_t removed = 0;
  if (!topic.spec.retention) co_return removed;
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  const auto before = core_->clock.wall() - *topic.spec.retention;
  for (const auto partition : topic.partitions) {
    auto old = co_await core_->readers->ask(
        [partition, before](SqliteReader& reader) { return has_old(reader, partition, before); });
    if (!old) co_return fail(std::move(old).error());
    bool more = *old;
    while (more) {
      std::unique_ptr<AnsweringJob<std::size_t>> job =
          std::make_unique<RemoveOldJob>(core_, loop, topic, partition, before);
      auto step = co_await answer_of(core_->file, std::move(job));
      if (!step) co_return fail(std::move(step).error().while_doing("removing old records"));
      removed += *step;
      more = *step == core_->limits.retention_step_rows_max;
      co_await pause_between_steps(core_->limits, pauses);
    }
  }
  co_return removed;
}

Task<Result<std::size_t>> SqliteRetention::compact(const Topic& topic, Clock* pauses) {
  std::size_t removed = 0;
  for (const auto partition : topic.partitions) {
    const Offset end = core_->board.end_of(partition);
    const auto old = core_->clock.wall() - core_->limits.tombstone_age_max;
    auto& compacted = compacted_[partition];
    if (compacted.end == end && old < compacted.oldest_tombstone) continue;
    SqliteCompaction compaction{core_, partition};
    auto outcome = co_await compaction.run(pauses);
    if (!outcome) co_return fail(std::move(outcome).error().while_doing("compacting"));
    removed += outcome->removed;
    compacted = {.end = end, .oldest_tombstone = outcome->oldest_tombstone};
  }
  co_return removed;
}

Task<Done> SqliteRetention::give_back_pages(Clock* pauses) {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  auto free = co_await core_->readers->ask(free_pages);
  if (!free) co_return fail(std::move(free).error());
  for (auto left = *free; left > core_->limits.free_pages_max; left -= core_->limits.vacuum_step_pages) {
    std::unique_ptr<AnsweringJob<bool>> job = std::make_unique<VacuumJob>(core_, loop);
    auto step = co_await answer_of(core_->file, std::move(job));
    if (!step) co_return fail(std::move(step).error().while_doing("giving pages back to the disk"));
    co_await pause_between_steps(core_->limits, pauses);
  }
  co_return Done{};
}

}  // namespace sluice::log
