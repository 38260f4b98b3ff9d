// A damaged file answers with corrupt and names the way out; a write-ahead log that was cut off gives up its end.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/db/sqlite_jobs.hpp"
#include "tests/support/folder.hpp"

namespace sluice::db {
namespace {

constexpr std::int64_t page_bytes = 4096;

std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

// Every bit of `count` bytes.
void flip(const std::filesystem::path& path, std::int64_t at, std::int64_t count) {
  auto bytes = bytes_of_file(path);
  REQUIRE(at + count <= static_cast<std::int64_t>(bytes.size()));
  for (auto place = at; place < at + count; ++place) {
    auto& byte = bytes[static_cast<std::size_t>(place)];
    byte = static_cast<char>(~byte);
  }
  write_file(path, bytes);
}

// A closed file with a table of many pages, and the page of one of its leaves.
struct Sound {
  Sound() {
    const auto file = open_file(path);
    REQUIRE(run_now(*file, "CREATE TABLE t (n INTEGER PRIMARY KEY, what TEXT); CREATE INDEX t_what ON t (what)")
                .has_value());
    REQUIRE(run_now(*file,
                    "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 5000) "
                    "INSERT INTO t SELECT n, hex(randomblob(50)) FROM k")
                .has_value());
    const auto leaf = [&](std::string_view order) {
      return std::stoll(seen_in(*file, fmt::format("SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'leaf' "
                                                   "ORDER BY {} LIMIT 1",
                                                   order)));
    };
    first_leaf = leaf("path");
    last_leaf = leaf("path DESC");
    middle_leaf = std::stoll(seen_in(*file,
                                     "SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'leaf' "
                                     "ORDER BY path LIMIT 1 OFFSET 50"));
  }

  [[nodiscard]] Failure refused(SqliteLimits limits = {}) const {
    auto opened = SqliteFile::open(path, limits);
    REQUIRE_FALSE(opened.has_value());
    return opened.error();
  }

  TempFolder folder;
  std::filesystem::path path = folder / "t.db";
  std::int64_t first_leaf = 0;
  std::int64_t middle_leaf = 0;
  std::int64_t last_leaf = 0;
};

std::int64_t start_of(std::int64_t page) {
  return (page - 1) * page_bytes;
}

void check_corrupt(const Failure& failure) {
  CHECK(failure.kind == Kind::corrupt);
  CHECK_MESSAGE(failure.sentence.find("`sluice restore`") != std::string::npos, failure.sentence);
}

// A file with 100 rows in its write-ahead log, each its own commit, as a killed process leaves it.
struct Unfinished {
  Unfinished() {
    const auto file = open_file(folder / "live.db");
    REQUIRE(run_now(*file, "CREATE TABLE t (n INTEGER PRIMARY KEY)").has_value());
    for (int n = 1; n <= 100; ++n) REQUIRE(run_now(*file, fmt::format("INSERT INTO t VALUES ({})", n)).has_value());
    std::filesystem::copy_file(folder / "live.db", path);
    std::filesystem::copy_file(folder / "live.db-wal", wal);
  }

  TempFolder folder;
  std::filesystem::path path = folder / "left.db";
  std::filesystem::path wal = folder / "left.db-wal";
};

// How many of the first rows are there, and that no other is and that one more can be written.
int rows_left(const std::filesystem::path& path) {
  const auto file = open_file(path);
  const int rows = std::stoi(seen_in(*file, "SELECT count(*) FROM t"));
  CHECK(seen_in(*file, "SELECT coalesce(max(n), 0) FROM t") == std::to_string(rows));
  CHECK(run_now(*file, "INSERT INTO t VALUES (1000)").has_value());
  CHECK(seen_in(*file, "PRAGMA integrity_check") == "ok");
  return rows;
}

}  // namespace

TEST_CASE("a file that is none of SQLite's is corrupt") {
  TempFolder folder;
  write_file(folder / "t.db", std::string(10'000, 'x'));

  const auto opened = SqliteFile::open(folder / "t.db");

  REQUIRE_FALSE(opened.has_value());
  check_corrupt(opened.error());
  CHECK(opened.error().sentence.find("t.db") != std::string::npos);
}

TEST_CASE("an empty file becomes a sound one") {
  TempFolder folder;
  write_file(folder / "t.db", "");

  const auto file = open_file(folder / "t.db");

  CHECK(run_now(*file, "CREATE TABLE t (n)").has_value());
}

TEST_CASE("a file that was cut off is corrupt") {
  Sound sound;
  std::filesystem::resize_file(sound.path, std::filesystem::file_size(sound.path) / 2);

  check_corrupt(sound.refused());
  check_corrupt(sound.refused({.check_bytes_max = 0}));
}

TEST_CASE("a damaged header or schema is corrupt however large the file") {
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{16}, std::int64_t{100}}) {
    Sound sound;
    flip(sound.path, at, 8);
    CAPTURE(at);

    check_corrupt(sound.refused({.check_bytes_max = 0}));
  }
}

TEST_CASE("flipped bits in the structure of any page of a small file are found when it is opened") {
  Sound sound;
  flip(sound.path, start_of(sound.middle_leaf), 16);

  check_corrupt(sound.refused());
}

TEST_CASE("flipped bits at the ends of a table are found in a large file too") {
  for (const bool at_the_end : {false, true}) {
    Sound sound;
    flip(sound.path, start_of(at_the_end ? sound.last_leaf : sound.first_leaf), 16);
    CAPTURE(at_the_end);

    check_corrupt(sound.refused({.check_bytes_max = 0}));
  }
}

TEST_CASE("flipped bits in the middle of a large file are found by whoever comes there") {
  Sound sound;
  flip(sound.path, start_of(sound.middle_leaf), 16);
  const auto file = open_file(sound.path, {.check_bytes_max = 0});

  const auto elsewhere = run_now(*file, "UPDATE t SET n = 0 WHERE n = 1");
  const auto there = run_now(*file, "UPDATE t SET what = 'x' WHERE what > ''");
  auto reader = file->open_reader();
  REQUIRE(reader.has_value());
  const auto read = execute(reader->get(), "SELECT sum(length(what)) FROM t NOT INDEXED");

  CHECK(elsewhere.has_value());
  REQUIRE_FALSE(there.has_value());
  check_corrupt(there.error());
  REQUIRE_FALSE(read.has_value());
  check_corrupt(read.error());
  CHECK(run_now(*file, "UPDATE t SET n = -1 WHERE n = 0").has_value());
}

TEST_CASE("a write-ahead log as a killed process leaves it gives all that was committed") {
  Unfinished left;

  CHECK(rows_left(left.path) == 100);
}

TEST_CASE("a write-ahead log that was cut off gives what stood before the cut") {
  Unfinished left;
  std::filesystem::resize_file(left.wal, std::filesystem::file_size(left.wal) / 2);

  const int rows = rows_left(left.path);

  CHECK(rows > 20);
  CHECK(rows < 80);
}

TEST_CASE("a write-ahead log with flipped bits gives what stood before them") {
  Unfinished left;
  flip(left.wal, static_cast<std::int64_t>(std::filesystem::file_size(left.wal)) / 2, 1);

  const int rows = rows_left(left.path);

  CHECK(rows > 20);
  CHECK(rows < 80);
}

TEST_CASE("a write-ahead log that is gone takes what was only there") {
  Unfinished left;
  std::filesystem::remove(left.wal);

  const auto file = open_file(left.path);

  CHECK(seen_in(*file, "SELECT count(*) FROM sqlite_master") == "0");
}

}  // namespace sluice::db
