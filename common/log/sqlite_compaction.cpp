#include "common/log/sqlite_compaction.hpp"

#include <algorithm>
#include <utility>

#include "common/log/sqlite_removal.hpp"
#include "common/log/sqlite_retention.hpp"

namespace sluice::log {

SqliteCompaction::SqliteCompaction(std::shared_ptr<SqliteCore> core, PartitionId partition)
    : core_(std::move(core)),
      partition_(partition),
      tombstones_before_(core_->clock.wall() - core_->limits.tombstone_age_max) {}

Task<Result<SqliteCompaction::Outcome>> SqliteCompaction::run(Clock* pauses) {
  constexpr ReadLimits slice{.records_max = 500, .bytes_max = std::size_t{4} << 20U};
  std::optional<Offset> below = core_->board.end_of(partition_).load();
  while (below) {
    Round round{.below = *below, .keys = {}, .superseded = {}, .tombstones = {}, .next_round_below = {}};
    bool more = true;
    while (more) {
      auto stretch =
          co_await core_->readers->ask([partition = partition_, from = round.below, slice](SqliteReader& reader) {
            return reader.read_back(partition, from, slice);
          });
      if (!stretch) co_return fail(std::move(stretch).error());
      for (const auto& record : stretch->records) judge(round, record);
      more = !stretch->reached_end;
      auto removed = co_await remove(round.superseded, pauses);
      if (!removed) co_return fail(std::move(removed).error());
    }
    auto erased = co_await remove(round.tombstones, pauses);
    if (!erased) co_return fail(std::move(erased).error());
    below = round.next_round_below;
  }
  co_return outcome_;
}

void SqliteCompaction::judge(Round& round, const Record& record) {
  round.below = record.offset();
  const auto key = record.key();
  if (!key || record.is_poison()) return;
  if (round.keys.contains(*key)) {
    round.superseded.push_back(record.offset());
    return;
  }
  if (round.keys.size() >= core_->limits.compaction_keys_max || round.key_bytes >= core_->limits.compaction_bytes_max) {
    if (!round.next_round_below) round.next_round_below = record.offset() + 1;
    return;
  }
  round.keys.emplace(*key);
  round.key_bytes += key->size();
  if (record.value()) return;
  if (record.timestamp() <= tombstones_before_) {
    round.tombstones.push_back(record.offset());
  } else {
    outcome_.oldest_tombstone = std::min(outcome_.oldest_tombstone, record.timestamp());
  }
}

Task<Result<std::size_t>> SqliteCompaction::remove(std::vector<Offset>& offsets, Clock* pauses) {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  std::size_t removed = 0;
  const auto step = core_->limits.retention_step_rows_max;
  for (std::size_t from = 0; from < offsets.size(); from += step) {
    const auto to = std::min(from + step, offsets.size());
    std::vector<Offset> some(offsets.begin() + static_cast<std::ptrdiff_t>(from),
                             offsets.begin() + static_cast<std::ptrdiff_t>(to));
    std::unique_ptr<AnsweringJob<std::size_t>> job =
        std::make_unique<RemoveJob>(core_, loop, partition_, std::move(some));
    auto done = co_await answer_of(core_->file, std::move(job));
    if (!done) co_return fail(std::move(done).error());
    removed += *done;
    co_await pause_between_steps(core_->limits, pauses);
  }
  offsets.clear();
  outcome_.removed += removed;
  co_return removed;
}

}  // namespace sluice::log
