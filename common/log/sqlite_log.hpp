// The embedded log: one SQLite file on one machine, in one process.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

struct SqliteLogLimits {
  std::size_t record_bytes_max = std::size_t{2} << 20U;  // key, value and headers; above it an append is invalid
  std::size_t fresh_bytes_max = std::size_t{8} << 20U;   // just written and kept in memory for consumers that keep up
  std::size_t reader_threads = 2;
  std::size_t reads_waiting_max = 1024;  // calls of read() and its like; above it they are overloaded

  // Removing, by keep(). One step holds the writer for about a millisecond; appends go in between.
  std::chrono::milliseconds retention_every{60'000};
  std::chrono::milliseconds retention_step_pause{5};
  std::size_t retention_step_rows_max = 100;
  std::chrono::milliseconds compaction_every{3'600'000};        // it reads whole partitions
  std::chrono::milliseconds tombstone_age_max{24 * 3'600'000};  // so long every reader has to see that a key is erased
  std::size_t compaction_keys_max = 100'000;                  // remembered at a time; with more it takes several rounds
  std::size_t compaction_bytes_max = std::size_t{16} << 20U;  // of those keys
  std::int64_t free_pages_max = 1024;  // kept in the file for what comes next; what is above goes back to the disk
  std::int64_t vacuum_step_pages = 64;
};

struct SqliteCore;
class SqliteRetention;

// What differs from log.hpp or is left open there:
//  - capabilities: atomic, one process.
//  - An append is one job in the file's next commit, so many callers share one write to the disk. It never answers
//    maybe_done; only a caller who is cancelled doesn't learn what became of it.
//  - Offsets are numbers of the whole file: each partition's rise with gaps, and none is ever used again.
//  - A commit may set the watermark back; the engine knows why.
//  - A record of a compacted topic needs a key, as on Kafka.
//  - Of what age may remove, the oldest goes first: a record stays as long as an older one of its partition stays.
//  - A group counts from its first commit in a topic, or while it is subscribed; what it has not finished stays, and
//    where it has committed nothing that is everything.
class SqliteLog final : public Log {
 public:
  using Limits = SqliteLogLimits;

  // `home` is the loop of `clock`; deadlines of revocations run there, and the log is destroyed on its thread. Blocks
  // while the tables are made or read, so it belongs to the start. File and clock outlive the log, and every loop on
  // which it is used outlives the file.
  static Result<std::unique_ptr<SqliteLog>> open(db::SqliteFile& file, Loop& home, Clock& clock, Limits limits = {});
  ~SqliteLog() override;

  [[nodiscard]] Capabilities capabilities() const override { return {.atomic = true, .many_processes = false}; }
  Task<Result<std::vector<Offset>>> append(std::vector<Outgoing> records) override;
  Task<Result<std::vector<Offset>>> append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                      std::vector<Commit> commits) override;
  Task<Result<std::unique_ptr<Consumer>>> subscribe(Subscription subscription) override;
  Task<Result<std::vector<Record>>> read(Partition partition, Offset from, ReadLimits limits) override;
  Task<Result<Record>> read_one(Partition partition, Offset offset) override;
  Task<Result<Span>> span(Partition partition) override;
  Task<Result<std::optional<Committed>>> committed(std::string group, Partition partition) override;
  Task<Done> create_topics(std::vector<TopicSpec> topics) override;
  Task<Result<std::vector<TopicInfo>>> topics() override;

  // Breaks the consumers that are still there and waits until every call under way has its answer.
  Task<> close() override;

  // Removes by age, compacts and gives pages back, again and again until cancelled or closed. On the home loop.
  // `failed` is told when a round fails; the next one tries again.
  Task<> keep(std::function<void(const Failure&)> failed);
  Task<Result<std::size_t>> retain_once();  // one round without pauses; answers with the number of removed records

 private:
  struct Alarm;
  SqliteLog(db::SqliteFile& file, Loop& home, Clock& clock, const Limits& limits);

  Clock& clock_;
  std::shared_ptr<Alarm> alarm_;
  std::shared_ptr<SqliteCore> core_;
  std::unique_ptr<SqliteRetention> retention_;
};

}  // namespace sluice::log
