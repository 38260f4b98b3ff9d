// The database beside the embedded log: batches and rows become jobs of the file's writer, reads have connections of
// their own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/guarded.hpp"
#include "common/async/offload.hpp"
#include "common/db/database.hpp"
#include "common/db/sqlite_batch.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/db/under_way.hpp"

namespace sluice::db {

struct SqliteReadLimits {
  std::size_t readers = 2;       // threads, each with a connection
  std::size_t queue_max = 1024;  // reads waiting for one of them; above it a read is overloaded
};

// Serves any number of loops. The file must outlive it, and it the tasks that use it: the loops that it serves are
// destroyed after it. Batches and rows take effect in the order in which they were begun on one loop. What a cancelled
// caller had begun goes on, and whether it was done is open.
class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(SqliteFile& file, SqliteReadLimits limits = {});
  ~SqliteDatabase() override;

  Task<Result<std::vector<Rows>>> run(Batch batch) override;
  Task<Result<Rows>> read(Statement statement) override;
  Task<Result<Rows>> write_row(RowWrite write) override;

  // Notices are heard in the process that serves the file: in the embedded world there is no other.
  std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) override;

  Task<> close() override;

 private:
  struct Reader {
    explicit Reader(SqliteFile::Connection its_connection)
        : connection(std::move(its_connection)), statements(connection.get()) {}
    SqliteFile::Connection connection;
    StatementCache statements;
  };

  Result<Rows> read_now(const Statement& statement);  // on a thread of the offload
  Result<std::unique_ptr<Reader>> take_reader();

  SqliteFile& file_;
  UnderWay under_way_;
  std::shared_ptr<RowWriter> rows_;  // used on the writer's thread
  Guarded<std::vector<std::unique_ptr<Reader>>> idle_;
  Offload offload_;  // last, so that its threads end before what they use
};

}  // namespace sluice::db
