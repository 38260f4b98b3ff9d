// The writer's own statements: one transaction for a group, a savepoint for each of its jobs.
#pragma once

#include <memory>
#include <string_view>

#include "common/base/result.hpp"
#include "common/db/sqlite_statement.hpp"

struct sqlite3;

namespace sluice::db {

class SqliteTransaction {
 public:
  static Result<SqliteTransaction> on(sqlite3* file);

  Done begin();  // takes the write lock at once

  // What ran since save() stays part of the transaction, or is undone.
  Done save();
  Done keep();
  Done undo();

  // A failure means that nothing was done, but for maybe_done: the commit was written and only then something failed,
  // so that a process which dies before its next commit may find it there.
  Done commit();
  void roll_back();

  // False when SQLite has rolled it back by itself, which it does when memory or disk run out in the middle.
  [[nodiscard]] bool open() const;

 private:
  using Owned = std::unique_ptr<sqlite3_stmt, detail::Prepared::Finalize>;
  explicit SqliteTransaction(sqlite3* file) : file_(file) {}
  [[nodiscard]] Done run(const Owned& statement, std::string_view doing) const;

  sqlite3* file_;
  Owned begin_;
  Owned save_;
  Owned keep_;
  Owned undo_;
  Owned commit_;
  Owned roll_back_;
};

}  // namespace sluice::db
