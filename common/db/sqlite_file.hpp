// One SQLite file with one writer thread. Everything that is written while a commit is on its way to the disk shares
// the next commit; the log and the tables live in the same file, so one transaction can hold outputs, state and
// offsets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/async/loop.hpp"
#include "common/async/work.hpp"
#include "common/base/result.hpp"
#include "common/db/notices.hpp"
#include "common/db/sqlite_statement.hpp"

struct sqlite3;

namespace sluice::db {

struct SqliteLimits {
  std::size_t group_jobs_max = 1024;  // jobs in one commit
  std::size_t group_bytes_max = std::size_t{16} << 20U;
  std::size_t queue_jobs_max = 65536;  // above it submit answers false
  std::size_t queue_bytes_max = std::size_t{256} << 20U;
  // For another process that holds the file (a command while nobody serves).
  std::chrono::milliseconds busy_wait_max{5000};
  // For readers, when the write-ahead log has grown far beyond its bound because they overlap.
  std::chrono::milliseconds checkpoint_wait_max{100};
  std::int64_t wal_pages_max = 4000;                       // at this size the WAL is written back into the file
  std::int64_t check_bytes_max = std::int64_t{64} << 20U;  // files up to this size are checked whole when opened
};

// Counted since the file was opened.
struct SqliteFigures {
  std::uint64_t groups = 0;  // commits that held something
  std::uint64_t jobs = 0;
  std::uint64_t jobs_failed = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t checkpoints_failed = 0;  // growing: a reader somewhere never ends, or the disk fails
  std::int64_t wal_pages = 0;            // now
};

// A piece of writing. `run` is called on the writer thread inside the group's transaction; a failure undoes this job
// alone (its savepoint). `finished` is called on the writer thread exactly once, after the group is durable or has
// failed.
class WriteJob {
 public:
  virtual ~WriteJob() = default;
  virtual Done run(sqlite3* file) = 0;
  virtual void finished(Done outcome) = 0;
  [[nodiscard]] virtual std::size_t bytes() const { return 0; }  // what it keeps in memory; asked once
  // False only for jobs whose single statement SQLite undoes by itself when it fails.
  [[nodiscard]] virtual bool needs_savepoint() const { return true; }
  // True only for jobs of a task: it gives its thread back before it waits, so that others of the same turn may join.
  [[nodiscard]] virtual bool waits_for_its_turn() const { return false; }
};

class SqliteFile {
 public:
  SqliteFile() = default;
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // WAL, synchronous=FULL, checked at start; damage in SQLite's own structure is Kind::corrupt with a sentence that
  // names `sluice restore`. Creates the file when absent.
  static Result<std::unique_ptr<SqliteFile>> open(const std::filesystem::path& path, SqliteLimits limits = {});
  virtual ~SqliteFile() = default;  // finishes what was submitted

  // From any thread. False: the queue is full or the file is closed; the job was not taken and `finished` is not
  // called. Jobs of one thread run in the order of their submits.
  [[nodiscard]] virtual bool submit(std::unique_ptr<WriteJob> job) = 0;

  // Why submit() just answered false: overloaded or stopping.
  [[nodiscard]] virtual Failure refusal() const = 0;

  // Prepared statements of the writer's connection. Only inside WriteJob::run.
  [[nodiscard]] virtual StatementCache& statements() = 0;

  // Only inside WriteJob::finished: `what` runs on that loop when all of the group have finished. However many jobs
  // tell a loop something, it costs one post per group. The loop must outlive this file.
  virtual void tell(Loop& loop, Work what) = 0;

  // Who listens to notices of batches. A job that carried a batch tells its channels in `finished`, after success.
  [[nodiscard]] virtual Notices& notices() = 0;

  [[nodiscard]] virtual SqliteFigures figures() const = 0;

  // A connection for reading, with the pragmas set. Used by one thread at a time; closed with sqlite3_close_v2 by the
  // owner.
  struct CloseConnection {
    void operator()(sqlite3* connection) const;
  };
  using Connection = std::unique_ptr<sqlite3, CloseConnection>;
  [[nodiscard]] virtual Result<Connection> open_reader() const = 0;

  virtual void close() = 0;  // finishes what was submitted; from any thread but the writer's; may be called twice
};

// Maps an SQLite result code to a Failure; the one place where these codes are read.
Failure failure_of(int code, sqlite3* file, std::string_view doing);

}  // namespace sluice::db
