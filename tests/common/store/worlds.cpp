#include "tests/common/store/worlds.hpp"

#include <filesystem>

#include <fmt/format.h>

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
  SimulatedStoreWorld() {
    const auto migrated = world_.run(migrate(database_, world_.clock));
    REQUIRE_MESSAGE(migrated.has_value(), migrated.error().sentence);
  }

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

void migrate_or_fail(Loop& loop, Clock& clock, db::Database& database) {
  const auto migrated = run_task(loop, migrate(database, clock));
  REQUIRE_MESSAGE(migrated.has_value(), migrated.error().sentence);
  run_task(loop, database.close());
}

// A file with the schema of this build, made once: copying it is much faster than migrating.
class SqliteTemplate {
 public:
  SqliteTemplate() {
    Loop loop;
    RealClock clock{loop};
    SqliteProcess database{path_};
    migrate_or_fail(loop, clock, database);
  }
  [[nodiscard]] std::filesystem::path copy_into(const TempFolder& folder) const {
    auto copied = folder / "sluice.db";
    std::filesystem::copy_file(path_, copied);
    return copied;
  }

 private:
  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "sluice.db";
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
  static const SqliteTemplate& made_once() {
    static const SqliteTemplate made;
    return made;
  }

  TempFolder folder_;
  std::filesystem::path path_ = made_once().copy_into(folder_);
  Loop loop_;
  RealClock clock_{loop_};
  SqliteProcess database_{path_};
};

std::unique_ptr<db::PostgresDatabase> open_postgres(Loop& loop, Clock& clock, Random& chance, const std::string& url) {
  auto opened = db::PostgresDatabase::open(loop, clock, chance, {.url = url});
  if (!opened) FAIL(opened.error().sentence);
  return std::move(*opened);
}

// A schema with the tables of this build, made once and emptied for each story.
class PostgresTemplate {
 public:
  PostgresTemplate() {
    Loop loop;
    RealClock clock{loop};
    SystemRandom chance;
    const auto database = open_postgres(loop, clock, chance, url());
    migrate_or_fail(loop, clock, *database);
    const auto tables = admin_.ask(fmt::format(
        "SELECT tablename FROM pg_tables WHERE schemaname = '{}' AND tablename <> 'schema_version'", schema_.name()));
    for (const auto& table : tables) emptying_ += fmt::format("DELETE FROM {};", table.front());
  }
  // What survives a crash is proved elsewhere; waiting for the disk would only make these tests slow. And the planner
  // is left with the plans that run a subselect once per row: no statement may depend on being spared them. It takes
  // them for so dear that it would compile each statement for half a second.
  [[nodiscard]] std::string url() const {
    auto whole = schema_.url();
    for (const auto* setting : {"synchronous_commit", "enable_hashjoin", "enable_mergejoin", "enable_hashagg",
                                "enable_sort", "enable_material", "jit"})
      whole += fmt::format("%20-c{}%3Doff", setting);
    return whole;
  }
  void empty() { admin_.ask(emptying_); }

 private:
  db::FreshSchema schema_{db::database_of_tests().url()};
  db::PostgresAdmin admin_{url()};
  std::string emptying_;
};

class PostgresStoreWorld final : public StoreWorld {
 public:
  PostgresStoreWorld() { made_once().empty(); }

  [[nodiscard]] std::string_view name() const override { return "postgres"; }
  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  db::Database& database() override { return *database_; }
  std::unique_ptr<db::Database> another() override { return open(); }
  void play(Task<> story) override { run_task(loop_, std::move(story)); }

 private:
  std::unique_ptr<db::PostgresDatabase> open() { return open_postgres(loop_, clock_, chance_, made_once().url()); }
  static PostgresTemplate& made_once() {
    static PostgresTemplate made;
    return made;
  }

  Loop loop_;
  RealClock clock_{loop_};
  SystemRandom chance_;
  std::unique_ptr<db::PostgresDatabase> database_ = open();
};

void play_in(StoreWorld& world, const std::function<void(StoreWorld&)>& story) {
  INFO("in the world ", std::string{world.name()});
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
