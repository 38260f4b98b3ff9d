// One SQLite file with one writer thread. Everything that is written while a commit is on its way to the disk shares
// the next commit; the log and the tables live in the same file, so one transaction can hold outputs, state and
// offsets.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/base/result.hpp"

struct sqlite3;

namespace sluice::db {

struct SqliteLimits {
  std::size_t group_jobs_max = 1024;   // jobs in one commit
  std::size_t queue_jobs_max = 65536;  // above it submit answers false
  std::size_t queue_bytes_max = std::size_t{256} << 20U;
  std::chrono::milliseconds busy_wait_max{
      5000};  // for another process that holds the file (a command while nobody serves)
};

// A piece of writing. `run` is called on the writer thread inside the group's transaction; a failure undoes this job
// alone (its savepoint). `finished` is called on the writer thread exactly once, after the group is durable or has
// failed.
class WriteJob {
 public:
  virtual ~WriteJob() = default;
  virtual Done run(sqlite3* file) = 0;
  virtual void finished(Done outcome) = 0;
  [[nodiscard]] virtual std::size_t bytes() const { return 0; }
  // False only for jobs whose single statement SQLite undoes by itself when it fails.
  [[nodiscard]] virtual bool needs_savepoint() const { return true; }
};

class SqliteFile {
 public:
  // WAL, synchronous=FULL, checked at start; damage in SQLite's own structure is Kind::corrupt with a sentence that
  // names `sluice restore`. Creates the file when absent.
  static Result<std::unique_ptr<SqliteFile>> open(const std::filesystem::path& path, SqliteLimits limits = {});
  virtual ~SqliteFile() = default;  // finishes what was submitted

  // From any thread. False: the queue is full or the file is closed; the job was not taken and `finished` is not
  // called.
  [[nodiscard]] virtual bool submit(std::unique_ptr<WriteJob> job) = 0;

  // A connection for reading, with the pragmas set. Used by one thread at a time; closed with sqlite3_close_v2 by the
  // owner.
  struct CloseConnection {
    void operator()(sqlite3* connection) const;
  };
  using Connection = std::unique_ptr<sqlite3, CloseConnection>;
  [[nodiscard]] virtual Result<Connection> open_reader() const = 0;

  virtual void close() = 0;  // from any thread, may be called twice
};

// Maps an SQLite result code to a Failure; the one place where these codes are read.
Failure failure_of(int code, sqlite3* file, std::string_view doing);

}  // namespace sluice::db
