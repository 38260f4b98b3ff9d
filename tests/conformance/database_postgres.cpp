// The database beside Kafka, on a real server that belongs to this executable, since cases kill it.
#include <memory>

#include <doctest/doctest.h>

#include "common/async/clock_real.hpp"
#include "common/async/random.hpp"
#include "common/db/postgres_database.hpp"
#include "tests/common/db/postgres_support.hpp"
#include "tests/conformance/database_suite.hpp"
#include "tests/support/run.hpp"

namespace sluice::db::conformance {
namespace {

PrivatePostgres& server() {
  static PrivatePostgres started;
  return started;
}

class PostgresSuiteWorld final : public DatabaseWorld {
 public:
  PostgresSuiteWorld() { current_ = open(); }

  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  void run(Task<> story) override { run_task(loop_, std::move(story)); }
  Database& database() override { return *current_; }

  Task<> reopen() override {
    co_await current_->close();
    current_ = open();
  }

  Task<> crash() override {
    server().restart();
    co_await reopen();
  }

  std::unique_ptr<Database> another() override { return open(); }

  Task<> narrow() override {
    settings_.calls_max = 16;
    return reopen();
  }

  Task<> go_away() override {
    server().kill();
    co_return;
  }
  Task<> come_back() override {
    server().start();
    co_return;
  }

 private:
  std::unique_ptr<PostgresDatabase> open() {
    auto opened = PostgresDatabase::open(loop_, clock_, random_, settings_);
    if (!opened) FAIL(opened.error().sentence);
    return std::move(*opened);
  }

  FreshSchema schema_{server().url()};
  Loop loop_;
  RealClock clock_{loop_};
  SystemRandom random_;
  PostgresSettings settings_{.url = schema_.url()};
  std::unique_ptr<PostgresDatabase> current_;
};

std::unique_ptr<DatabaseWorld> make_world() {
  return std::make_unique<PostgresSuiteWorld>();
}

}  // namespace

#define PLAY(function, sentence)               \
  TEST_CASE("postgres: " sentence) {           \
    play(make_world, {}, #function, function); \
  }
SLUICE_DATABASE_CASES(PLAY)
#undef PLAY

TEST_CASE("postgres: this world can do everything") {
  check_exceptions("postgres", {});
}

}  // namespace sluice::db::conformance
