// What a disk does to the file: full, failing, read-only; and what a damaged file answers.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/db/faulty_disk.hpp"
#include "tests/common/db/sqlite_jobs.hpp"
#include "tests/support/folder.hpp"

namespace sluice::db {
namespace {

constexpr const char* create = "CREATE TABLE t (n INTEGER PRIMARY KEY, what BLOB)";
std::string insert(int n) {
  return fmt::format("INSERT INTO t (n) VALUES ({})", n);
}
std::string insert_large(int n, std::int64_t bytes) {
  return fmt::format("INSERT INTO t (n, what) VALUES ({}, zeroblob({}))", n, bytes);
}

struct FaultyFile {
  FaultyFile() {
    const auto created = run_now(*file, create);
    REQUIRE(created.has_value());
  }
  [[nodiscard]] std::string rows() const { return seen_in(*file, "SELECT count(*) FROM t"); }

  TempFolder folder;
  FaultyDisk disk;
  std::unique_ptr<SqliteFile> file = open_file(folder / "t.db", {.wal_pages_max = 50});
};

// A group of three that is written while the disk is as `fault` makes it.
std::vector<Done> group_of_three(SqliteFile& file, const std::function<void()>& fault, std::string second) {
  Gate gate(file);
  auto one = submit(file, insert(1));
  auto two = submit(file, std::move(second));
  auto three = submit(file, insert(3));
  fault();
  gate.open();
  std::vector<Done> outcomes;
  for (auto* outcome : {&one, &two, &three}) outcomes.push_back(outcome->get());
  return outcomes;
}

void check_all_failed(const std::vector<Done>& outcomes, Kind kind, std::string_view words) {
  for (const auto& outcome : outcomes) {
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().kind == kind);
    CHECK_MESSAGE(outcome.error().sentence.find(words) != std::string::npos, outcome.error().sentence);
  }
}

class FileSizeLimit {  // a disk that is full for this process, on every machine
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit narrow{bytes, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &narrow) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("when a job has finished all that was written has been synced") {
  FaultyFile fixture;

  for (int n = 0; n < 50; ++n) {
    const auto unsynced = std::make_shared<std::promise<std::int64_t>>();
    auto finished = [&disk = fixture.disk, unsynced](const Done& done) {
      unsynced->set_value(done ? disk.unsynced_wal_bytes.load() : -1);
    };
    auto job = [n](sqlite3* file) { return execute(file, insert(n)); };
    REQUIRE(fixture.file->submit(std::make_unique<TestJob>(job, finished)));
    CHECK(unsynced->get_future().get() == 0);
  }
}

TEST_CASE("a disk that is full at the commit fails the group and nothing else") {
  FaultyFile fixture;

  const auto outcomes = group_of_three(*fixture.file, [&] { fixture.disk.wal.write = SQLITE_FULL; }, insert(2));
  const auto while_full = run_now(*fixture.file, insert(4));
  CHECK(fixture.rows() == "0");
  fixture.disk.wal.write = SQLITE_OK;
  const auto afterwards = run_now(*fixture.file, insert(5));

  check_all_failed(outcomes, Kind::exhausted, "the disk is full: make room");
  check_all_failed({while_full}, Kind::exhausted, "the disk is full");
  CHECK(afterwards.has_value());
  CHECK(seen_in(*fixture.file, "SELECT group_concat(n) FROM t") == "5");
}

TEST_CASE("a disk that fills up in the middle of a group fails all of it") {
  FaultyFile fixture;

  // More than the page cache holds, so it is written before the commit.
  const auto outcomes =
      group_of_three(*fixture.file, [&] { fixture.disk.wal.write = SQLITE_FULL; }, insert_large(2, 60'000'000));
  fixture.disk.wal.write = SQLITE_OK;
  const auto afterwards = run_now(*fixture.file, insert(5));

  check_all_failed(outcomes, Kind::exhausted, "the disk is full");
  CHECK(afterwards.has_value());
  CHECK(seen_in(*fixture.file, "SELECT group_concat(n) FROM t") == "5");
}

TEST_CASE("a conflict inside a group that failed is told as the group's failure") {
  FaultyFile fixture;

  const auto outcomes = group_of_three(*fixture.file, [&] { fixture.disk.wal.write = SQLITE_IOERR_WRITE; }, insert(1));
  fixture.disk.wal.write = SQLITE_OK;

  check_all_failed(outcomes, Kind::exhausted, "full or failing");
  CHECK(run_now(*fixture.file, insert(1)).has_value());
}

TEST_CASE("a sync that fails after the commit was written is maybe done") {
  FaultyFile fixture;

  const auto outcomes = group_of_three(*fixture.file, [&] { fixture.disk.wal.sync = SQLITE_IOERR_FSYNC; }, insert(2));
  fixture.disk.wal.sync = SQLITE_OK;

  check_all_failed(outcomes, Kind::maybe_done, "full or failing");
  CHECK(run_now(*fixture.file, insert(4)).has_value());
  CHECK(seen_in(*fixture.file, "SELECT group_concat(n) FROM t") == "4");
}

TEST_CASE("a write-ahead log that cannot be written back fails nobody and is tried again") {
  FaultyFile fixture;
  fixture.disk.main.write = SQLITE_FULL;

  for (int n = 0; n < 100; ++n) REQUIRE(run_now(*fixture.file, insert_large(n, 3000)).has_value());
  const auto failing = fixture.file->figures();
  fixture.disk.main.write = SQLITE_OK;
  // The next try comes when the log has grown by a quarter of its bound, behind the answer; the one after waits for it.
  REQUIRE(run_now(*fixture.file, insert_large(1000, 80'000)).has_value());
  REQUIRE(run_now(*fixture.file, insert(1001)).has_value());

  CHECK(failing.checkpoints == 0);
  CHECK(failing.checkpoints_failed > 0);
  CHECK(fixture.file->figures().checkpoints == 1);
  CHECK(fixture.rows() == "102");
}

TEST_CASE("a file that may not grow is exhausted until it may") {
  TempFolder folder;
  const auto file = open_file(folder / "t.db");
  REQUIRE(run_now(*file, create).has_value());
  int written = 0;
  Done failed;

  {
    const FileSizeLimit full(1'000'000);
    for (; failed && written < 1000; ++written) failed = run_now(*file, insert_large(written, 10'000));
    const auto still_full = run_now(*file, insert_large(1001, 10'000));
    check_all_failed({still_full}, Kind::exhausted, "disk");
  }
  const auto afterwards = run_now(*file, insert_large(1002, 10'000));

  check_all_failed({failed}, Kind::exhausted, "disk");
  CHECK(afterwards.has_value());
  CHECK(seen_in(*file, "SELECT count(*) FROM t") ==
        std::to_string(written));  // the failed one gone, the last one there
}

namespace {

// In a process without the right to write: root would have it whatever the modes say.
std::string opened_without_rights(const std::filesystem::path& path) {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const auto child = fork();
  if (child == 0) {
    std::string said = "the rights could not be given up";
    if (getuid() != 0 || setuid(65534) == 0) {
      auto opened = SqliteFile::open(path);
      said =
          opened ? std::string{"opened"} : fmt::format("{}: {}", name_of(opened.error().kind), opened.error().sentence);
    }
    const auto written = write(pipe_ends[1], said.data(), said.size());
    _exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(pipe_ends[1]);
  std::string said(4096, '\0');
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(pipe_ends[0], said.data(), said.size()))));
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return said;
}

void forbid_writing(const std::filesystem::path& path) {
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_write | perms::group_write | perms::others_write,
                               std::filesystem::perm_options::remove);
  std::filesystem::permissions(path, perms::others_read | perms::others_exec | perms::group_read,
                               std::filesystem::perm_options::add);
}

}  // namespace

TEST_CASE("a read-only file is exhausted with a sentence that says so") {
  TempFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  REQUIRE(run_now(*open_file(folder / "t.db"), create).has_value());
  forbid_writing(folder / "t.db");

  const auto said = opened_without_rights(folder / "t.db");

  CHECK(said.starts_with("exhausted: "));
  CHECK_MESSAGE(said.find("read-only") != std::string::npos, said);
}

TEST_CASE("a read-only folder is exhausted with a sentence that says so") {
  TempFolder folder;
  forbid_writing(folder.path());

  const auto said = opened_without_rights(folder / "t.db");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);

  CHECK(said.starts_with("exhausted: "));
  CHECK_MESSAGE(said.find("read-only") != std::string::npos, said);
}

TEST_CASE("a disk that has become read-only is exhausted and the file works again afterwards") {
  FaultyFile fixture;
  fixture.disk.wal.write = SQLITE_READONLY;

  const auto failed = run_now(*fixture.file, insert(1));
  fixture.disk.wal.write = SQLITE_OK;

  check_all_failed({failed}, Kind::exhausted, "read-only");
  CHECK(run_now(*fixture.file, insert(1)).has_value());
}

TEST_CASE("a folder that is not there is unavailable and names the path") {
  TempFolder folder;

  const auto opened = SqliteFile::open(folder / "nowhere" / "t.db");

  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().kind == Kind::unavailable);
  CHECK(opened.error().sentence.find("nowhere/t.db") != std::string::npos);
}

}  // namespace sluice::db
