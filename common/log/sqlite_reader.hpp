// A reading connection on the log's tables. It sees everything that was durable when a call on it began, and never
// waits for the writer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/db/sqlite_file.hpp"
#include "common/db/sqlite_statement.hpp"
#include "common/log/log.hpp"
#include "common/log/sqlite_rows.hpp"

namespace sluice::log {

// A stretch of one partition.
struct Stretch {
  std::vector<Record> records;
  bool reached_end = false;  // there was no further record when it was read
};

Result<std::optional<Committed>> find_committed(db::StatementCache& statements, const std::string& group,
                                                PartitionId partition);

// Used by one thread at a time.
class SqliteReader {
 public:
  static Result<std::unique_ptr<SqliteReader>> open(const db::SqliteFile& file);
  explicit SqliteReader(db::SqliteFile::Connection connection);

  // At least one record where there is one, whatever its size.
  Result<Stretch> read(PartitionId partition, Offset from, ReadLimits limits);
  Result<Stretch> read_back(PartitionId partition, Offset below, ReadLimits limits);  // the newest first
  Result<std::optional<Record>> read_one(PartitionId partition, Offset offset);
  Result<std::optional<Offset>> first(PartitionId partition);  // none: no record is there
  Result<std::optional<Offset>> last(PartitionId partition);

  // One transaction around several of the calls above costs less than one for each.
  Done begin();
  void end();

  [[nodiscard]] db::StatementCache& statements() { return statements_; }

 private:
  Result<Stretch> stretch(std::string_view text, PartitionId partition, Offset edge, ReadLimits limits);
  Result<std::optional<Offset>> edge(std::string_view text, PartitionId partition);

  db::SqliteFile::Connection connection_;
  db::StatementCache statements_;
  std::vector<HeaderView> scratch_;
};

}  // namespace sluice::log
