#include "common/db/migrations.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/db/dialect.hpp"

namespace sluice::db {
namespace {

constexpr Sql create_versions =
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "version bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)";
constexpr Sql claim_version = "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)";
constexpr Sql list_versions = "SELECT version, name, applied_at FROM schema_version ORDER BY version";

std::int64_t milliseconds(WallTime time) {
  return time.time_since_epoch().count();
}

void check_numbers(std::span<const Migration> migrations) {
  std::int64_t expected = 0;
  for (const auto& migration : migrations)
    ENSURE(migration.version == ++expected, "migrations are numbered from 1 without gaps");
}

MigrationStatus status_of(const Rows& rows, std::span<const Migration> migrations) {
  MigrationStatus status;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const WallTime at{std::chrono::milliseconds{rows.integer(row, 2)}};
    status.applied.push_back({rows.integer(row, 0), rows.text(row, 1), at});
  }
  for (const auto& migration : migrations) {
    const auto found = std::ranges::find(status.applied, migration.version, &AppliedMigration::version);
    if (found == status.applied.end()) status.missing.push_back(migration.version);
  }
  return status;
}

Done check_names(const MigrationStatus& status, std::span<const Migration> migrations) {
  for (const auto& migration : migrations) {
    const auto found = std::ranges::find(status.applied, migration.version, &AppliedMigration::version);
    if (found == status.applied.end() || found->name == migration.name) continue;
    return fail(
        Kind::conflict,
        fmt::format("migration {} of this build is '{}', but the store has '{}' under that number: it belongs to "
                    "another program, or to another line of this one",
                    migration.version, migration.name, found->name));
  }
  return {};
}

Batch batch_of(const Migration& migration, WallTime now) {
  Batch batch;
  batch.statements.push_back({one_migration_at_a_time()});
  batch.statements.push_back(
      {claim_version, {migration.version, std::string{migration.name}, milliseconds(now)}, Expect::exactly(1)});
  for (const auto& statement : migration.statements) batch.statements.push_back({statement});
  return batch;
}

Task<Done> create_table(Database& database) {
  Batch batch;
  batch.statements.push_back({one_migration_at_a_time()});
  batch.statements.push_back({create_versions});
  auto creating = database.run(std::move(batch));
  auto created = co_await std::move(creating);
  if (!created) co_return fail(std::move(created).error());
  co_return Done{};
}

// Done, by us or by somebody who was first.
Task<Done> apply(Database& database, WallTime now, const Migration& migration) {
  auto running = database.run(batch_of(migration, now));
  auto ran = co_await std::move(running);
  if (ran) co_return Done{};
  if (ran.error().kind != Kind::conflict) co_return fail(std::move(ran).error());
  auto reading = database.read({"SELECT version FROM schema_version WHERE version = $1", {migration.version}});
  auto there = co_await std::move(reading);
  if (!there) co_return fail(std::move(there).error());
  if (there->empty()) co_return fail(std::move(ran).error());
  co_return Done{};
}

}  // namespace

Task<Result<MigrationStatus>> migration_status(Database& database, std::span<const Migration> migrations) {
  check_numbers(migrations);
  auto looking = database.read({table_exists(), {std::string{"schema_version"}}});
  auto there = co_await std::move(looking);
  if (!there) co_return fail(std::move(there).error());
  if (there->integer(0, 0) == 0) co_return status_of(Rows{}, migrations);
  auto listing = database.read({list_versions});
  auto listed = co_await std::move(listing);
  if (!listed) co_return fail(std::move(listed).error());
  co_return status_of(*listed, migrations);
}

Task<Result<MigrationStatus>> migrate(Database& database, Clock& clock, std::span<const Migration> migrations) {
  auto creating = create_table(database);
  auto created = co_await std::move(creating);
  if (!created) co_return fail(std::move(created).error().while_doing("creating the table of migrations"));
  while (true) {
    auto asking = migration_status(database, migrations);
    auto status = co_await std::move(asking);
    if (!status) co_return status;
    auto named = check_names(*status, migrations);
    if (!named) co_return fail(std::move(named).error());
    if (status->missing.empty()) co_return status;
    const auto& next = migrations[static_cast<std::size_t>(status->missing.front()) - 1];
    auto applying = apply(database, clock.wall(), next);
    auto applied = co_await std::move(applying);
    if (!applied)
      co_return fail(std::move(applied).error().while_doing(fmt::format("migration {} ({})", next.version, next.name)));
  }
}

}  // namespace sluice::db
