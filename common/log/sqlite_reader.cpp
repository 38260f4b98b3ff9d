#include "common/log/sqlite_reader.hpp"

#include <utility>

namespace sluice::log {

namespace {

// Left to itself SQLite would rather walk the table from `offset` on, through the rows of all other partitions.
constexpr std::string_view read_text =
    "SELECT offset, at, key, value, headers, crc FROM log_record INDEXED BY log_record_by_partition "
    "WHERE partition_id = $1 AND offset >= $2 ORDER BY offset LIMIT $3";
constexpr std::string_view read_back_text =
    "SELECT offset, at, key, value, headers, crc FROM log_record INDEXED BY log_record_by_partition "
    "WHERE partition_id = $1 AND offset < $2 ORDER BY offset DESC LIMIT $3";
constexpr std::string_view read_one_text =
    "SELECT offset, at, key, value, headers, crc FROM log_record WHERE offset = $1 AND partition_id = $2";
constexpr std::string_view first_text =
    "SELECT min(offset) FROM log_record INDEXED BY log_record_by_partition WHERE partition_id = $1";
constexpr std::string_view last_text =
    "SELECT max(offset) FROM log_record INDEXED BY log_record_by_partition WHERE partition_id = $1";
constexpr std::string_view committed_text =
    "SELECT watermark, metadata FROM log_commit WHERE group_name = $1 AND partition_id = $2";

std::optional<std::string_view> bytes_of(const db::SqliteStatement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.bytes(column);
}

Record record_in(const db::SqliteStatement& row, std::vector<HeaderView>& scratch) {
  StoredRow stored{.offset = row.integer(0),
                   .timestamp = WallTime{std::chrono::milliseconds{row.integer(1)}},
                   .key = bytes_of(row, 2),
                   .value = bytes_of(row, 3),
                   .headers = row.bytes(4),
                   .crc = {}};
  if (!row.is_null(5)) stored.crc = row.integer(5);
  return record_of(stored, scratch);
}

}  // namespace

Result<std::optional<Committed>> find_committed(db::StatementCache& statements, const std::string& group,
                                                PartitionId partition) {
  auto select = statements.prepare(committed_text);
  if (!select) return fail(std::move(select).error());
  select->bind_text(1, group);
  select->bind_integer(2, partition);
  auto row = select->step();
  if (!row) return fail(std::move(row).error());
  std::optional<Committed> committed;
  if (*row) committed = Committed{select->integer(0), std::string{select->text(1)}};
  return committed;
}

Result<std::unique_ptr<SqliteReader>> SqliteReader::open(const db::SqliteFile& file) {
  auto connection = file.open_reader();
  if (!connection) return fail(std::move(connection).error().while_doing("opening the log for reading"));
  return std::make_unique<SqliteReader>(std::move(*connection));
}

SqliteReader::SqliteReader(db::SqliteFile::Connection connection)
    : connection_(std::move(connection)), statements_(connection_.get()) {}

Result<Stretch> SqliteReader::read(PartitionId partition, Offset from, ReadLimits limits) {
  return stretch(read_text, partition, from, limits);
}

Result<Stretch> SqliteReader::read_back(PartitionId partition, Offset below, ReadLimits limits) {
  return stretch(read_back_text, partition, below, limits);
}

Result<Stretch> SqliteReader::stretch(std::string_view text, PartitionId partition, Offset edge, ReadLimits limits) {
  auto select = statements_.prepare(text);
  if (!select) return fail(std::move(select).error());
  select->bind_integer(1, partition);
  select->bind_integer(2, edge);
  select->bind_integer(3, static_cast<std::int64_t>(limits.records_max));
  Stretch stretch;
  std::size_t bytes = 0;
  while (true) {
    auto row = select->step();
    if (!row) return fail(std::move(row).error());
    if (!*row) break;
    auto record = record_in(*select, scratch_);
    bytes += record.bytes();
    if (bytes > limits.bytes_max && !stretch.records.empty()) return stretch;
    stretch.records.push_back(std::move(record));
  }
  stretch.reached_end = stretch.records.size() < limits.records_max;
  return stretch;
}

Result<std::optional<Record>> SqliteReader::read_one(PartitionId partition, Offset offset) {
  auto select = statements_.prepare(read_one_text);
  if (!select) return fail(std::move(select).error());
  select->bind_integer(1, offset);
  select->bind_integer(2, partition);
  auto row = select->step();
  if (!row) return fail(std::move(row).error());
  std::optional<Record> record;
  if (*row) record = record_in(*select, scratch_);
  return record;
}

Result<std::optional<Offset>> SqliteReader::first(PartitionId partition) {
  return edge(first_text, partition);
}

Result<std::optional<Offset>> SqliteReader::last(PartitionId partition) {
  return edge(last_text, partition);
}

Result<std::optional<Offset>> SqliteReader::edge(std::string_view text, PartitionId partition) {
  auto select = statements_.prepare(text);
  if (!select) return fail(std::move(select).error());
  select->bind_integer(1, partition);
  auto row = select->step();
  if (!row) return fail(std::move(row).error());
  std::optional<Offset> offset;
  if (*row && !select->is_null(0)) offset = select->integer(0);
  return offset;
}

Done SqliteReader::begin() {
  auto begin = statements_.prepare("BEGIN");
  if (!begin) return fail(std::move(begin).error());
  return begin->run();
}

void SqliteReader::end() {
  auto end = statements_.prepare("COMMIT");
  if (end) (void)end->run();  // it has written nothing: whatever the answer, the reading is over
}

}  // namespace sluice::log
