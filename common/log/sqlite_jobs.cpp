#include "common/log/sqlite_jobs.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/db/sqlite_batch.hpp"
#include "common/db/values.hpp"

namespace sluice::log {

namespace {

constexpr std::string_view insert_text =
    "INSERT INTO log_record (offset, partition_id, at, key, value, headers, crc) VALUES ($1, $2, $3, $4, $5, $6, $7)";
constexpr std::string_view commit_text =
    "INSERT INTO log_commit (group_name, partition_id, watermark, metadata, epoch) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (group_name, partition_id) DO UPDATE SET watermark = excluded.watermark, metadata = "
    "excluded.metadata, epoch = excluded.epoch WHERE excluded.epoch >= log_commit.epoch";
constexpr std::string_view generation_text =
    "INSERT INTO log_generation (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1 "
    "RETURNING number";

Failure stale(const Commit& commit) {
  return {Kind::stale, fmt::format("partition {} of {} is not held under epoch {} any more", commit.partition.number,
                                   commit.partition.topic, commit.epoch)};
}

}  // namespace

Done submit(db::SqliteFile& file, std::unique_ptr<db::WriteJob> job) {
  if (!file.submit(std::move(job))) return fail(file.refusal());
  return {};
}

Done insert_rows(SqliteCore& core, const NewRows& rows) {
  if (rows.empty()) return {};
  auto insert = core.file.statements().prepare(insert_text);
  if (!insert) return fail(std::move(insert).error());
  for (const auto& row : rows) {
    row->offset = core.next_offset++;
    insert->bind_integer(1, row->offset);
    insert->bind_integer(2, row->partition);
    insert->bind_integer(3, row->timestamp.time_since_epoch().count());
    insert->bind_bytes(4, std::optional<std::string_view>{row->key});
    insert->bind_bytes(5, std::optional<std::string_view>{row->value});
    if (row->headers.empty()) {
      insert->bind_null(6);
    } else {
      insert->bind_bytes(6, std::string_view{row->headers});
    }
    insert->bind_integer(7, row->crc);
    auto inserted = insert->run();
    if (!inserted) return inserted;
  }
  return {};
}

std::vector<Offset> offsets_of(const NewRows& rows) {
  std::vector<Offset> offsets;
  offsets.reserve(rows.size());
  for (const auto& row : rows) offsets.push_back(row->offset);
  return offsets;
}

std::size_t bytes_of(const NewRows& rows) {
  std::size_t bytes = 0;
  for (const auto& row : rows) bytes += row->bytes();
  return bytes;
}

Done check_metadata(std::string_view metadata) {
  if (metadata.size() > metadata_bytes_max)
    return fail(Kind::invalid, fmt::format("commit metadata has {} bytes; at most {} are stored", metadata.size(),
                                           metadata_bytes_max));
  if (!std::ranges::all_of(metadata, [](char letter) { return letter >= ' ' && letter <= '~'; }))
    return fail(Kind::invalid, "commit metadata is printable ASCII");
  return {};
}

Done write_commit(SqliteCore& core, const CommitRow& row) {
  const auto group = core.groups.holder_of(row.commit.partition, row.commit.epoch);
  if (!group) return fail(stale(row.commit));
  auto upsert = core.file.statements().prepare(commit_text);
  if (!upsert) return fail(std::move(upsert).error());
  upsert->bind_text(1, *group);
  upsert->bind_integer(2, row.partition);
  upsert->bind_integer(3, row.commit.watermark);
  upsert->bind_text(4, row.commit.metadata);
  upsert->bind_integer(5, row.commit.epoch);
  auto written = upsert->run();
  if (!written) return written;
  if (sqlite3_changes(core.file.statements().file()) == 0) return fail(stale(row.commit));
  return {};
}

AppendJob::AppendJob(std::shared_ptr<SqliteCore> core, Loop& loop, NewRows rows)
    : AnsweringJob(std::move(core), loop), rows_(std::move(rows)), bytes_(bytes_of(rows_)) {}

Result<std::vector<Offset>> AppendJob::work() {
  auto inserted = insert_rows(core(), rows_);
  if (!inserted) return fail(std::move(inserted).error());
  return offsets_of(rows_);
}

void AppendJob::done(const std::vector<Offset>& /*offsets*/) {
  core().board.publish(rows_);
}

AtomicJob::AtomicJob(std::shared_ptr<SqliteCore> core, Loop& loop, NewRows rows, db::Batch changes,
                     std::vector<CommitRow> commits)
    : AnsweringJob(std::move(core), loop),
      rows_(std::move(rows)),
      changes_(std::move(changes)),
      commits_(std::move(commits)),
      bytes_(bytes_of(rows_) + db::bytes_of(changes_)) {}

Result<std::vector<Offset>> AtomicJob::work() {
  for (const auto& commit : commits_) {
    auto written = write_commit(core(), commit);
    if (!written) return fail(std::move(written).error());
  }
  auto changed = db::run_batch(core().file.statements(), changes_);
  if (!changed) return fail(std::move(changed).error());
  auto inserted = insert_rows(core(), rows_);
  if (!inserted) return fail(std::move(inserted).error());
  return offsets_of(rows_);
}

void AtomicJob::done(const std::vector<Offset>& /*offsets*/) {
  core().board.publish(rows_);
  for (const auto& channel : changes_.notices) core().file.notices().tell(channel);
}

CommitJob::CommitJob(std::shared_ptr<SqliteCore> core, Loop& loop, std::vector<CommitRow> commits)
    : AnsweringJob(std::move(core), loop), commits_(std::move(commits)) {}

Result<Done> CommitJob::work() {
  Done first_refusal;
  for (const auto& commit : commits_) {
    auto written = write_commit(core(), commit);
    if (written) continue;
    if (written.error().kind != Kind::stale) return fail(std::move(written).error());
    if (first_refusal) first_refusal = std::move(written);
  }
  return first_refusal;
}

CreateTopicsJob::CreateTopicsJob(std::shared_ptr<SqliteCore> core, Loop& loop, std::vector<TopicSpec> specs)
    : AnsweringJob(std::move(core), loop), specs_(std::move(specs)) {}

Result<std::vector<Topic>> CreateTopicsJob::work() {
  return create_topics(core().file.statements(), specs_);
}

void CreateTopicsJob::done(const std::vector<Topic>& created) {
  for (const auto& topic : created) {
    for (const auto partition : topic.partitions) core().board.add(partition, 0);
    core().topics.add(topic);
  }
}

Result<std::int64_t> GenerationJob::work() {
  auto upsert = core().file.statements().prepare(generation_text);
  if (!upsert) return fail(std::move(upsert).error());
  auto row = upsert->step();
  if (!row) return fail(std::move(row).error());
  return upsert->integer(0);
}

void GenerationJob::done(const std::int64_t& generation) {
  core().groups.begin_generation(generation);
  core().has_generation = true;
}

}  // namespace sluice::log
