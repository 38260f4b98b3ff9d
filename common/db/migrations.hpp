// Numbered changes of the schema, compiled in. They only add, so that a release runs on the schema of the next one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"

namespace sluice::db {

struct Migration {
  std::int64_t version;  // 1, 2, 3 … without gaps
  std::string_view name;
  std::vector<Sql> statements;
};

struct AppliedMigration {
  std::int64_t version = 0;
  std::string name;
  WallTime at{};
};

struct MigrationStatus {
  std::vector<AppliedMigration> applied;  // in order; those of a later release too
  std::vector<std::int64_t> missing;      // known to this build and not applied

  [[nodiscard]] std::int64_t version() const { return applied.empty() ? 0 : applied.back().version; }
};

// Applies what is missing, each migration as one batch whose first row claims its number: of many processes that start
// together one does it and the others find it done. The status is the one afterwards.
//
// Failures: conflict when a number was applied under another name (the store belongs to another program or to another
// branch of this one) or when the rows that are there do not fit the migration; ours when its text is wrong; else as
// Database::run. What was applied before the failure stays.
Task<Result<MigrationStatus>> migrate(Database& database, Clock& clock, std::span<const Migration> migrations);

// Changes nothing. A store without any table has nothing applied.
Task<Result<MigrationStatus>> migration_status(Database& database, std::span<const Migration> migrations);

}  // namespace sluice::db
