// The database seam: SQLite beside the embedded log, PostgreSQL beside Kafka, SQLite in memory in simulations.
// Repositories in common/store are written once against this interface.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {

// Calling it back stops with its destruction.
class Listening {
 public:
  virtual ~Listening() = default;
};

// Every call is made on a loop's thread and resumes there; calls of many tasks run side by side and in no promised
// order. A transaction is a closed batch: none is ever open across an await of the caller.
//
// Failures: conflict (an expectation, a unique index, a check), unavailable (nothing was done), overloaded (the queue
// is full; nothing was done), timed_out (nothing was done), maybe_done (the connection died around the commit),
// exhausted (disk; nothing was done), stopping, ours (the statement itself is wrong).
class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  // All statements in order, or none. Durable when it answers. One Rows per statement.
  virtual Task<Result<std::vector<Rows>>> run(Batch batch) = 0;

  // One statement that changes nothing. Sees every batch that was answered before it began.
  virtual Task<Result<Rows>> read(Statement statement) = 0;

  // One row in, at most one row out (none when the row was there and the shape says "nothing"). Durable when it
  // answers.
  virtual Task<Result<Rows>> write_row(RowWrite write) = 0;

  // `heard` runs on the calling loop's thread after a batch with that notice has committed, in any process; it may also
  // be called without reason (after a reconnect, when notices may have been missed).
  virtual std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) = 0;

  // What was submitted finishes, later calls fail with stopping.
  virtual Task<> close() = 0;
};

}  // namespace sluice::db
