// An embedded log in a folder of its own, that can be closed, killed, damaged and opened again.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/db/sqlite_database.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/log/sqlite_log.hpp"
#include "tests/support/folder.hpp"

namespace sluice::log {

class SqliteStore {
 public:
  SqliteStore(Loop& loop, Clock& clock, SqliteLogLimits limits = {}, db::SqliteLimits file_limits = {});

  [[nodiscard]] SqliteLog& log() { return *log_; }
  [[nodiscard]] db::SqliteFile& file() { return *file_; }
  [[nodiscard]] db::Database& database() { return *database_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  void close();
  void open();
  void open(SqliteLogLimits limits, db::SqliteLimits file_limits);
  void crash();  // goes on with what a SIGKILL at this moment would leave on the disk

  // Runs it inside the writer's next commit and waits for that.
  Done write(std::function<Done(db::StatementCache&)> what);
  // A statement without answer whose parameters are numbers.
  void change(std::string_view text, std::vector<std::int64_t> values);
  std::int64_t number(std::string_view text);  // the only value that a SELECT answers

 private:
  Loop& loop_;
  Clock& clock_;
  SqliteLogLimits limits_;
  db::SqliteLimits file_limits_;
  TempFolder folder_;
  int incarnation_ = 0;
  std::filesystem::path path_;
  std::unique_ptr<db::SqliteFile> file_;
  std::unique_ptr<db::SqliteDatabase> database_;
  std::unique_ptr<SqliteLog> log_;
};

}  // namespace sluice::log
