#include "common/db/sqlite_transaction.hpp"

#include <utility>

#include <sqlite3.h>

#include "common/db/sqlite_file.hpp"

namespace sluice::db {
namespace {

// The frames of the commit were all written when one of these comes: it was the sync or the shared index after it.
bool after_the_last_frame(int code) {
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC || code == SQLITE_IOERR_SHMMAP ||
         code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_NOMEM;
}

}  // namespace

Result<SqliteTransaction> SqliteTransaction::on(sqlite3* file) {
  SqliteTransaction transaction(file);
  const std::pair<Owned&, std::string_view> texts[] = {
      {transaction.begin_, "BEGIN IMMEDIATE"}, {transaction.save_, "SAVEPOINT job"},
      {transaction.keep_, "RELEASE job"},      {transaction.undo_, "ROLLBACK TO job"},
      {transaction.commit_, "COMMIT"},         {transaction.roll_back_, "ROLLBACK"}};
  for (const auto& [statement, text] : texts) {
    sqlite3_stmt* raw = nullptr;
    const int code =
        sqlite3_prepare_v3(file, text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement.reset(raw);
    if (code != SQLITE_OK) return fail(failure_of(code, file, text));
  }
  return transaction;
}

Done SqliteTransaction::run(const Owned& statement, std::string_view doing) const {
  const int code = sqlite3_step(statement.get());
  Done done;
  if (code != SQLITE_DONE) done = fail(failure_of(code, file_, doing));
  sqlite3_reset(statement.get());
  return done;
}

Done SqliteTransaction::begin() {
  return run(begin_, "beginning to write");
}

Done SqliteTransaction::save() {
  return run(save_, "beginning a part of the group");
}

Done SqliteTransaction::keep() {
  return run(keep_, "ending a part of the group");
}

Done SqliteTransaction::undo() {
  auto undone = run(undo_, "undoing a part of the group");
  if (!undone) return undone;
  return keep();  // the savepoint itself outlives what it undoes
}

Done SqliteTransaction::commit() {
  auto committed = run(commit_, "writing to the disk");
  if (!committed && after_the_last_frame(sqlite3_extended_errcode(file_))) committed.error().kind = Kind::maybe_done;
  return committed;
}

void SqliteTransaction::roll_back() {
  // A failure here has a failed write behind it, and SQLite has then closed the transaction by itself.
  if (open()) static_cast<void>(run(roll_back_, "rolling back"));
}

bool SqliteTransaction::open() const {
  return sqlite3_get_autocommit(file_) == 0;
}

}  // namespace sluice::db
