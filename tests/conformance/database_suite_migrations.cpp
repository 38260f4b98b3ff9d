// Numbered changes of the schema, once each, whoever comes first.
#include <chrono>

#include "common/async/scope.hpp"
#include "common/db/migrations.hpp"
#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {
namespace {

using Status = Result<MigrationStatus>;

// The third fails when it runs twice or before the others.
const std::vector<Migration>& three() {
  static const std::vector<Migration> migrations{
      {1, "pets", {"CREATE TABLE pets (id bigint PRIMARY KEY)"}},
      {2, "names", {"ALTER TABLE pets ADD COLUMN name text", "CREATE INDEX pets_name ON pets (name)"}},
      {3, "first pet", {"INSERT INTO pets (id, name) VALUES (1, 'Rex')"}},
  };
  return migrations;
}

std::span<const Migration> first(std::size_t count) {
  return std::span(three()).first(count);
}

Task<Status> migrated(DatabaseWorld& world, std::span<const Migration> migrations) {
  auto migrating = soon(world, migrate(world.database(), world.clock(), migrations));
  auto status = co_await std::move(migrating);
  co_return status;
}

Task<Status> status_now(DatabaseWorld& world, std::span<const Migration> migrations) {
  auto asking = soon(world, migration_status(world.database(), migrations));
  auto status = co_await std::move(asking);
  co_return status;
}

Task<> migrate_into(DatabaseWorld& world, Database& database, Status& status) {
  auto migrating = migrate(database, world.clock(), three());
  status = co_await std::move(migrating);
}

}  // namespace

Task<> migrates_in_order(DatabaseWorld& world) {
  const auto once = co_await migrated(world, three());
  const auto twice = co_await migrated(world, three());

  for (const auto* status : {&once, &twice}) {
    REQUIRE_MESSAGE(status->has_value(), status->error().sentence);
    CHECK((*status)->version() == 3);
    CHECK((*status)->missing.empty());
  }
  co_await check_number(world, {"SELECT count(*) FROM pets WHERE name = 'Rex'"}, 1);
}

Task<> migrate_by_ten(DatabaseWorld& world) {
  std::vector<std::unique_ptr<Database>> processes;
  for (int process = 0; process < 10; ++process) processes.push_back(world.another());
  std::vector<Status> statuses(processes.size());

  Scope scope{world.loop()};
  for (std::size_t process = 0; process < processes.size(); ++process)
    scope.start(migrate_into(world, *processes[process], statuses[process]));
  co_await soon_done(world, scope.join());

  for (const auto& status : statuses) {
    REQUIRE_MESSAGE(status.has_value(), status.error().sentence);
    CHECK(status->version() == 3);
  }
  co_await check_number(world, {"SELECT count(*) FROM pets"}, 1);
  for (const auto& process : processes) co_await soon_done(world, process->close());
}

Task<> migration_status_tells(DatabaseWorld& world) {
  const auto before = co_await status_now(world, three());
  const auto start = world.clock().wall();
  const auto some = co_await migrated(world, first(2));
  const auto after = co_await status_now(world, three());

  REQUIRE_MESSAGE(before.has_value(), before.error().sentence);
  CHECK(before->version() == 0);
  CHECK(before->missing == std::vector<std::int64_t>{1, 2, 3});
  REQUIRE_MESSAGE(some.has_value(), some.error().sentence);
  REQUIRE_MESSAGE(after.has_value(), after.error().sentence);
  CHECK(after->version() == 2);
  CHECK(after->missing == std::vector<std::int64_t>{3});
  REQUIRE(after->applied.size() == 2);
  CHECK(after->applied[1].name == "names");
  CHECK(after->applied[1].at >= start);
  CHECK(after->applied[1].at <= world.clock().wall());
}

Task<> newer_schema(DatabaseWorld& world) {
  const auto next_release = co_await migrated(world, three());
  const auto this_release = co_await migrated(world, first(2));

  REQUIRE_MESSAGE(next_release.has_value(), next_release.error().sentence);
  REQUIRE_MESSAGE(this_release.has_value(), this_release.error().sentence);
  CHECK(this_release->version() == 3);
  CHECK(this_release->missing.empty());
}

Task<> failing_migration(DatabaseWorld& world) {
  const std::vector<Migration> failing{
      three()[0],
      {2, "broken", {"CREATE TABLE half (id bigint PRIMARY KEY)", "INSERT INTO nowhere (id) VALUES (1)"}},
  };

  const auto status = co_await migrated(world, failing);
  const auto left = co_await status_now(world, failing);
  const auto half = co_await ran(world, batch_of({{"INSERT INTO half (id) VALUES (1)"}}));
  const auto repaired = co_await migrated(world, three());

  CHECK(failed_as(status, Kind::ours));
  CHECK(status.error().sentence.find("migration 2 (broken)") != std::string::npos);
  REQUIRE_MESSAGE(left.has_value(), left.error().sentence);
  CHECK(left->version() == 1);
  CHECK(failed_as(half, Kind::ours));
  REQUIRE_MESSAGE(repaired.has_value(), repaired.error().sentence);
  CHECK(repaired->version() == 3);
}

Task<> foreign_migration(DatabaseWorld& world) {
  const std::vector<Migration> foreign{{1, "plants", {"CREATE TABLE plants (id bigint PRIMARY KEY)"}}};
  const auto ours = co_await migrated(world, three());

  const auto theirs = co_await migrated(world, foreign);

  REQUIRE_MESSAGE(ours.has_value(), ours.error().sentence);
  CHECK(failed_as(theirs, Kind::conflict));
  CHECK(theirs.error().sentence.find("plants") != std::string::npos);
  CHECK(theirs.error().sentence.find("pets") != std::string::npos);
}

}  // namespace sluice::db::conformance
