// Executes what is said to a database on an SQLite connection: inside the writer's transaction, in a reader, or in
// memory.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/result.hpp"
#include "common/db/sqlite_statement.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {

// All statements in order up to the first that fails or whose expectation is not met (Kind::conflict). Whoever calls
// undoes what was done before it: a WriteJob by its savepoint.
Result<std::vector<Rows>> run_batch(StatementCache& statements, const Batch& batch);

// Refuses, as ours, a statement that could change something.
Result<Rows> run_read(StatementCache& statements, const Statement& statement);

// False when SQLite undoes the whole batch by itself: a single statement whose outcome is not judged.
bool needs_savepoint(const Batch& batch);

// INSERT … ON CONFLICT … RETURNING … for one row. For SQLite this is the fastest form also for many rows: the same
// prepared statement again and again inside one transaction.
std::string row_text(const RowShape& shape);

// Writes rows of many shapes and keeps their texts. One thread at a time.
class RowWriter {
 public:
  explicit RowWriter(StatementCache& statements) : statements_(statements) {}

  // Undoes its own change when it fails.
  Result<Rows> write(const RowWrite& row);

 private:
  StatementCache& statements_;
  std::unordered_map<const RowShape*, std::string> texts_;
};

}  // namespace sluice::db
