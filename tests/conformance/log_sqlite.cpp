// The embedded log plays the suite, on real time and a real file.
#include <doctest/doctest.h>

#include "common/async/clock_real.hpp"
#include "tests/common/log/sqlite_store.hpp"
#include "tests/conformance/log_story.hpp"
#include "tests/support/run.hpp"

namespace sluice::conformance {

namespace {

class SqliteWorld final : public LogWorld {
 public:
  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  void run(Task<> story) override { run_task(loop_, std::move(story)); }
  Log& log() override { return store_.log(); }
  db::Database& database() override { return store_.database(); }

  Task<> reopen() override {
    co_await store_.log().close();
    store_.close();
    store_.open();
  }

  Task<> crash() override {
    store_.crash();
    co_return;
  }

  Task<> narrow() override {
    store_.close();
    store_.open({}, {.group_jobs_max = 16, .queue_jobs_max = 64});
    co_return;
  }

  Task<> corrupt(Partition /*partition*/, Offset offset) override {
    store_.change(
        "UPDATE log_record SET value = CAST(substr(value, 1, length(value) - 1) || 'X' AS BLOB) WHERE offset = $1",
        {offset});
    co_return;
  }

  Task<> retain() override {
    const auto removed = co_await store_.log().retain_once();
    if (!removed) FAIL("retention: ", removed.error().sentence);
  }

  Task<Offset> append_foreign(Outgoing record) override {
    std::vector<Outgoing> one;
    one.push_back(std::move(record));
    const auto offsets = co_await put(*this, std::move(one));
    store_.change("UPDATE log_record SET crc = NULL WHERE offset = $1", {offsets[0]});
    co_return offsets[0];
  }

 private:
  Loop loop_;
  RealClock clock_{loop_};
  log::SqliteStore store_{loop_, clock_};
};

std::unique_ptr<LogWorld> make() {
  return std::make_unique<SqliteWorld>();
}

constexpr std::string_view one_process = "the embedded log lives in one process";
constexpr Exception cannot[] = {
    {"processes_see_each_other", one_process},
    {"processes_share_a_group", one_process},
    {"processes_keep_commits_apart", one_process},
    {"atomic_is_refused", "it is atomic"},
};

}  // namespace

#define SLUICE_PLAY(function, sentence)      \
  TEST_CASE("sqlite: " sentence) {           \
    play(make, cannot, #function, function); \
  }
SLUICE_LOG_CASES(SLUICE_PLAY)
#undef SLUICE_PLAY

TEST_CASE("sqlite: what the embedded log cannot play is stated") {
  check_exceptions("sqlite", cannot);
}

}  // namespace sluice::conformance
