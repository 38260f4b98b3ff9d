#include "common/db/sqlite_file.hpp"

#include <utility>

#include <sqlite3.h>

#include "common/db/sqlite_open.hpp"
#include "common/db/sqlite_writer.hpp"

namespace sluice::db {

void SqliteFile::CloseConnection::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::filesystem::path& path, SqliteLimits limits) {
  auto connection = open_writer(path, limits);
  if (!connection) return fail(std::move(connection).error());
  auto transaction = SqliteTransaction::on(connection->get());
  if (!transaction) return fail(std::move(transaction).error());
  return std::make_unique<SqliteWriter>(path, limits, std::move(*connection), std::move(*transaction));
}

}  // namespace sluice::db
