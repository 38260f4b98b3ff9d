// A process is killed at random instants under load of log and tables together. What it had acknowledged is there, in
// order, once, and agrees with the tables.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/clock_real.hpp"
#include "common/async/random.hpp"
#include "common/db/sqlite_database.hpp"
#include "common/log/sqlite_log.hpp"
#include "tests/crash/crash_load.hpp"
#include "tests/crash/crash_victim.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"
#include "tests/support/seed.hpp"

namespace sluice::crash {

namespace {

using namespace log;
using namespace std::chrono_literals;

// What must be true of one input partition, by all that was ever said about it.
struct Promised {
  std::map<std::int64_t, Offset> appended;  // numbers and their offsets, not yet looked for
  std::map<std::int64_t, Offset> all_appended;
  Offset copied = 0;  // watermarks
  Offset watched = 0;
};

// What was found of one partition so far. Looked at once; the last look of a file begins anew.
struct Found {
  std::int64_t records = 0;  // numbers 0 to here
  Offset below = 0;          // where looking goes on
};

class Store {
 public:
  explicit Store(const std::filesystem::path& path) : file_(open(path)), database_(*file_) {
    auto log = SqliteLog::open(*file_, loop_, clock_);
    REQUIRE_MESSAGE(log.has_value(), log.error().sentence);
    log_ = std::move(*log);
  }

  [[nodiscard]] bool has_topics() { return !run_task(loop_, log_->topics())->empty(); }

  std::vector<Record> from(const Partition& partition, Offset offset) {
    auto records = run_task(loop_, log_->read(partition, offset, {.records_max = 1'000'000, .bytes_max = SIZE_MAX}));
    REQUIRE_MESSAGE(records.has_value(), records.error().sentence);
    return std::move(*records);
  }
  std::optional<Committed> committed(std::string_view group, const Partition& partition) {
    auto committed = run_task(loop_, log_->committed(std::string{group}, partition));
    REQUIRE(committed.has_value());
    return *committed;
  }
  bool has_tables() {
    auto rows = run_task(loop_, database_.read({"SELECT count(*) FROM sqlite_master WHERE name LIKE 'crash_%'", {}}));
    REQUIRE_MESSAGE(rows.has_value(), rows.error().sentence);
    return rows->integer(0, 0) == 2;
  }
  std::int64_t number(db::Sql text, std::int64_t partition) {
    auto rows = run_task(loop_, database_.read({text, {partition}}));
    REQUIRE_MESSAGE(rows.has_value(), rows.error().sentence);
    return rows->empty() || rows->is_null(0, 0) ? 0 : rows->integer(0, 0);
  }

 private:
  static std::unique_ptr<db::SqliteFile> open(const std::filesystem::path& path) {
    auto file = db::SqliteFile::open(path);
    REQUIRE_MESSAGE(file.has_value(), file.error().sentence);
    return std::move(*file);
  }

  Loop loop_;
  RealClock clock_{loop_};
  std::unique_ptr<db::SqliteFile> file_;
  db::SqliteDatabase database_;
  std::unique_ptr<SqliteLog> log_;
};

class Story {
 public:
  explicit Story(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] std::vector<std::int64_t> next_numbers() const {
    std::vector<std::int64_t> numbers;
    for (const auto& found : found_) numbers.push_back(found.records);
    return numbers;
  }

  void hear(const std::vector<Said>& all) {
    const auto highest_before = highest_offset_;
    for (const auto& said : all) {
      auto& promised = promised_[static_cast<std::size_t>(said.partition)];
      if (said.what == Said::What::appended) {
        promised.appended.emplace(said.number, said.offset);
        promised.all_appended.emplace(said.number, said.offset);
      }
      if (said.what == Said::What::copied) promised.copied = said.offset;
      if (said.what == Said::What::watched) promised.watched = said.offset;
      if (said.what != Said::What::appended && said.what != Said::What::aged) continue;
      CHECK(said.offset > highest_before);  // no offset is used again, whatever was removed
      highest_offset_ = std::max(highest_offset_, said.offset);
      ++acknowledged;
    }
  }

  void check() {
    Store store{path_};
    if (!store.has_topics() || !store.has_tables()) {  // it died while it made them
      CHECK(acknowledged == 0);
      return;
    }
    for (std::int32_t partition = 0; partition < partitions; ++partition) check(store, partition);
  }

  // Everything from the beginning, not only what came since the last look.
  void check_all() {
    found_ = {};
    copies_ = {};
    for (auto& promised : promised_) promised.appended = promised.all_appended;
    check();
  }

  std::size_t acknowledged = 0;

 private:
  void check(Store& store, std::int32_t number) {
    CAPTURE(number);
    auto& promised = promised_[static_cast<std::size_t>(number)];
    auto& found = found_[static_cast<std::size_t>(number)];
    auto& copies = copies_[static_cast<std::size_t>(number)];
    std::map<std::int64_t, Offset> offsets;
    look(store, {std::string{input}, number}, found, &offsets);
    for (const auto& [record, offset] : promised.appended) {
      CAPTURE(record);
      CHECK(record < found.records);
      if (const auto seen = offsets.find(record); seen != offsets.end()) CHECK(seen->second == offset);
    }
    promised.appended.clear();
    look(store, {std::string{output}, number}, copies, nullptr);
    check_commits(store, number, promised, copies);
  }

  // Records are numbered without a gap, in order, whole and sound.
  static void look(Store& store, const Partition& partition, Found& found, std::map<std::int64_t, Offset>* offsets) {
    for (const auto& record : store.from(partition, found.below)) {
      REQUIRE_FALSE(record.is_poison());
      REQUIRE(record.offset() >= found.below);
      REQUIRE((record.value() == value_of(found.records)));
      if (offsets != nullptr) offsets->emplace(found.records, record.offset());
      ++found.records;
      found.below = record.offset() + 1;
    }
  }

  // The table, the output and the watermark say the same, and at least what was acknowledged.
  void check_commits(Store& store, std::int32_t number, const Promised& promised, const Found& copies) {
    const Partition from{std::string{input}, number};
    CHECK(store.number("SELECT count(*) FROM crash_copied WHERE partition = $1", number) == copies.records);
    CHECK(store.number("SELECT max(number) + 1 FROM crash_copied WHERE partition = $1", number) == copies.records);
    CHECK(store.number("SELECT copied FROM crash_total WHERE partition = $1", number) == copies.records);
    const auto copied = store.committed(copy_group, from);
    const auto watched = store.committed(watch_group, from);
    if (copied) {
      const auto rest = store.from(from, copied->watermark);
      if (!rest.empty()) CHECK(number_in(*rest.front().value()) == copies.records);
      if (rest.empty()) CHECK(found_[static_cast<std::size_t>(number)].records == copies.records);
    }
    CHECK((copied ? copied->watermark : 0) >= promised.copied);
    CHECK((watched ? watched->watermark : 0) >= promised.watched);
    if (copied) CHECK(copied->metadata == fmt::format("at {}", copied->watermark));
    if (watched) CHECK(watched->metadata == fmt::format("at {}", watched->watermark));
    CHECK(copied.has_value() == (copies.records > 0));
  }

  std::filesystem::path path_;
  std::array<Promised, partitions> promised_;
  std::array<Found, partitions> found_;
  std::array<Found, partitions> copies_;
  Offset highest_offset_ = -1;
};

}  // namespace

TEST_CASE("what was acknowledged survives SIGKILL at any instant and agrees with the tables") {
  const int kills = std::getenv("TEST_LONG") != nullptr ? 1000 : 200;
  constexpr int kills_per_file = 25;
  SeededRandom random{test_seed()};
  Loop loop;
  const RealClock clock{loop};
  std::size_t acknowledged = 0;
  int died_working = 0;

  for (int first = 0; first < kills; first += kills_per_file) {
    const TempFolder folder;
    Story story{folder / "sluice.db"};
    for (int kill = first; kill < first + kills_per_file; ++kill) {
      CAPTURE(kill);
      Victim victim{folder / "sluice.db", story.next_numbers()};
      const bool until_ready = !random.one_in(8);
      const auto said = victim.live_and_die(clock, until_ready, random.between(1ms, 60ms));
      REQUIRE(victim.was_killed());
      if (!said.empty()) ++died_working;
      story.hear(said);
      story.check();
    }
    story.check_all();
    acknowledged += story.acknowledged;
  }

  MESSAGE(kills, " kills, ", died_working, " of them under load, ", acknowledged, " acknowledged appends");
  CHECK(died_working >= kills * 3 / 4);
  CHECK(acknowledged > static_cast<std::size_t>(kills));
}

}  // namespace sluice::crash
