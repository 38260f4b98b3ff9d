// The schema of this build.
#pragma once

#include <span>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/db/migrations.hpp"

namespace sluice::store {

// All of them, in order. A new one goes to the end.
std::span<const db::Migration> migrations();

// db::migrate and db::migration_status with the migrations of this build.
Task<Result<db::MigrationStatus>> migrate(db::Database& database, Clock& clock);
Task<Result<db::MigrationStatus>> migration_status(db::Database& database);

}  // namespace sluice::store
