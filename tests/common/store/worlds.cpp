#include "tests/common/store/worlds.hpp"

#include <filesystem>

#include "common/async/clock_real.hpp"
#include "common/async/scope.hpp"
#include "common/db/postgres_database.hpp"
#include "common/db/simulated_database.hpp"
#include "common/db/sqlite_database.hpp"
#include "common/store/migrations.hpp"
#include "common/store/rows.hpp"
#include "tests/common/db/postgres_support.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"
#include "tests/support/world.hpp"

namespace sluice::store {
namespace {

class SimulatedStoreWorld final : public StoreWorld {
 public:
  [[nodiscard]] std::string_view name() const override { return "simulated"; }
  Loop& loop() override { return world_.loop; }
  Clock& clock() override { return world_.clock; }
  db::Database& database() override { return database_; }
  std::unique_ptr<db::Database> another() override {
    return std::make_unique<db::SimulatedDatabase>(disk_, world_.loop, world_.clock, world_.random);
  }
  void play(Task<> story) override { world_.run(std::move(story)); }

 private:
  SimulatedWorld world_;
  db::SimulatedStore disk_;
  db::SimulatedDatabase database_{disk_, world_.loop, world_.clock, world_.random};
};

std::unique_ptr<db::SqliteFile> open_file(const std::filesystem::path& path) {
  auto file = db::SqliteFile::open(path);
  if (!file) FAIL(file.error().sentence);
  return std::move(*file);
}

// One process: its file and its database.
class SqliteProcess final : public db::Database {
 public:
  explicit SqliteProcess(const std::filesystem::path& path) : file_(open_file(path)), database_(*file_) {}

  Task<Result<std::vector<db::Rows>>> run(db::Batch batch) override { return database_.run(std::move(batch)); }
  Task<Result<db::Rows>> read(db::Statement statement) override { return database_.read(std::move(statement)); }
  Task<Result<db::Rows>> write_row(db::RowWrite write) override { return database_.write_row(std::move(write)); }
  std::unique_ptr<db::Listening> listen(std::string channel, std::function<void()> heard) override {
    return database_.listen(std::move(channel), std::move(heard));
  }
  Task<> close() override { return database_.close(); }

 private:
  std::unique_ptr<db::SqliteFile> file_;
  db::SqliteDatabase database_;
};

class SqliteStoreWorld final : public StoreWorld {
 public:
  [[nodiscard]] std::string_view name() const override { return "sqlite"; }
  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  db::Database& database() override { return database_; }
  std::unique_ptr<db::Database> another() override { return std::make_unique<SqliteProcess>(path_); }
  void play(Task<> story) override { run_task(loop_, std::move(story)); }

 private:
  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "sluice.db";
  Loop loop_;
  RealClock clock_{loop_};
  SqliteProcess database_{path_};
};

class PostgresStoreWorld final : public StoreWorld {
 public:
  [[nodiscard]] std::string_view name() const override { return "postgres"; }
  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  db::Database& database() override { return *database_; }
  std::unique_ptr<db::Database> another() override { return open(); }
  void play(Task<> story) override { run_task(loop_, std::move(story)); }

 private:
  std::unique_ptr<db::PostgresDatabase> open() {
    auto opened = db::PostgresDatabase::open(loop_, clock_, chance_, {.url = url_});
    if (!opened) FAIL(opened.error().sentence);
    return std::move(*opened);
  }

  db::FreshSchema schema_{db::database_of_tests().url()};
  // What survives a crash is proved elsewhere; waiting for the disk would only make these tests slow.
  std::string url_ = schema_.url() + "%20-csynchronous_commit%3Doff";
  Loop loop_;
  RealClock clock_{loop_};
  SystemRandom chance_;
  std::unique_ptr<db::PostgresDatabase> database_ = open();
};

void play_in(StoreWorld& world, const std::function<void(StoreWorld&)>& story) {
  INFO("in the world ", std::string{world.name()});
  const auto migrated = world.run(migrate(world.database(), world.clock()));
  REQUIRE_MESSAGE(migrated.has_value(), migrated.error().sentence);
  story(world);
  world.run(world.database().close());
}

Task<> together(Loop& loop, std::vector<Task<>> tasks) {
  Scope scope{loop};
  for (auto& task : tasks) scope.start(std::move(task));
  auto joining = scope.join();
  co_await std::move(joining);
}

}  // namespace

std::vector<db::Rows> StoreWorld::sure(db::Statement statement) {
  return sure(batch_of(std::move(statement)));
}

void StoreWorld::run_all(std::vector<Task<>> tasks) {
  play(together(loop(), std::move(tasks)));
}

std::int64_t StoreWorld::count(db::Sql select) {
  return sure(database().read({select})).integer(0, 0);
}

void in_every_world(const std::function<void(StoreWorld&)>& story) {
  {
    SimulatedStoreWorld world;
    play_in(world, story);
  }
  {
    SqliteStoreWorld world;
    play_in(world, story);
  }
  {
    PostgresStoreWorld world;
    play_in(world, story);
  }
}

event::Tenant tenant(std::string_view id) {
  return *event::Tenant::parse(id);
}

}  // namespace sluice::store
