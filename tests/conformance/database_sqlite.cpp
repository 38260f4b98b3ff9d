// The database beside the embedded log, on a file.
#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "common/async/clock_real.hpp"
#include "common/db/sqlite_database.hpp"
#include "tests/conformance/database_suite.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"

namespace sluice::db::conformance {
namespace {

std::unique_ptr<SqliteFile> open(const std::filesystem::path& path, SqliteLimits limits) {
  auto file = SqliteFile::open(path, limits);
  if (!file) FAIL(file.error().sentence);
  return std::move(*file);
}

// One process: its file and its database.
class Process final : public Database {
 public:
  Process(const std::filesystem::path& path, SqliteLimits limits) : file_(open(path, limits)), database_(*file_) {}

  Task<Result<std::vector<Rows>>> run(Batch batch) override { return database_.run(std::move(batch)); }
  Task<Result<Rows>> read(Statement statement) override { return database_.read(std::move(statement)); }
  Task<Result<Rows>> write_row(RowWrite write) override { return database_.write_row(std::move(write)); }
  std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) override {
    return database_.listen(std::move(channel), std::move(heard));
  }
  Task<> close() override { return database_.close(); }

 private:
  std::unique_ptr<SqliteFile> file_;
  SqliteDatabase database_;
};

class SqliteWorld final : public DatabaseWorld {
 public:
  SqliteWorld() { current_ = std::make_unique<Process>(path_, limits_); }

  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  void run(Task<> story) override { run_task(loop_, std::move(story)); }
  Database& database() override { return *current_; }

  Task<> reopen() override {
    co_await current_->close();
    current_ = std::make_unique<Process>(path_, limits_);
  }

  // A killed process leaves what the system has of its files. Nothing moves from the WAL into the file meanwhile, so
  // the two copies fit together.
  Task<> crash() override {
    const auto left = folder_ / fmt::format("after-crash-{}.db", ++crashes_);
    std::filesystem::copy_file(path_, left);
    std::filesystem::copy_file(path_.string() + "-wal", left.string() + "-wal");
    path_ = left;
    co_await current_->close();
    current_ = std::make_unique<Process>(path_, limits_);
  }

  std::unique_ptr<Database> another() override { return std::make_unique<Process>(path_, limits_); }

  Task<> narrow() override {
    limits_.queue_jobs_max = 16;
    return reopen();
  }

  // Another process holds the file.
  Task<> go_away() override {
    REQUIRE(sqlite3_open(path_.c_str(), &holder_) == SQLITE_OK);
    sqlite3_busy_timeout(holder_, 10'000);
    REQUIRE(sqlite3_exec(holder_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    co_return;
  }
  Task<> come_back() override {
    REQUIRE(sqlite3_close(holder_) == SQLITE_OK);
    co_return;
  }

 private:
  TempFolder folder_;
  Loop loop_;
  RealClock clock_{loop_};
  std::filesystem::path path_ = folder_ / "sluice.db";
  SqliteLimits limits_{.busy_wait_max = std::chrono::milliseconds{1000}};
  std::unique_ptr<Process> current_;
  sqlite3* holder_ = nullptr;
  int crashes_ = 0;
};

std::unique_ptr<DatabaseWorld> make_world() {
  return std::make_unique<SqliteWorld>();
}

constexpr Exception exceptions[] = {
    {"processes_hear_each_other",
     "one process serves the file; a command opens it only while nobody serves and nobody listens"},
};

}  // namespace

#define PLAY(function, sentence)                       \
  TEST_CASE("sqlite: " sentence) {                     \
    play(make_world, exceptions, #function, function); \
  }
SLUICE_DATABASE_CASES(PLAY)
#undef PLAY

TEST_CASE("sqlite: what this world cannot do is stated") {
  check_exceptions("sqlite", exceptions);
}

}  // namespace sluice::db::conformance
