#include "common/log/sqlite_topics.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

namespace sluice::log {

namespace {

// An offset is the row's number in the whole file: rising in each partition, with gaps, at the price of no second
// index. The index on the partition carries the offset, so one partition's rows stand in order in it. `removed_below`
// remembers how far a partition reached whose last rows retention took, so that no offset is ever given twice.
constexpr std::array<std::string_view, 6> schema = {
    "CREATE TABLE IF NOT EXISTS log_topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT "
    "NULL, retention_ms INTEGER, compacted INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log_partition (id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, number INTEGER NOT "
    "NULL, removed_below INTEGER NOT NULL DEFAULT 0, UNIQUE (topic_id, number))",
    "CREATE TABLE IF NOT EXISTS log_record (offset INTEGER PRIMARY KEY, partition_id INTEGER NOT NULL, at INTEGER NOT "
    "NULL, key BLOB, value BLOB, headers BLOB, crc INTEGER)",
    "CREATE INDEX IF NOT EXISTS log_record_by_partition ON log_record (partition_id)",
    "CREATE TABLE IF NOT EXISTS log_commit (group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, watermark INTEGER "
    "NOT NULL, metadata TEXT NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (group_name, partition_id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS log_generation (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL)",
};
constexpr std::string_view has_schema_text =
    "SELECT count(*) FROM sqlite_master WHERE name IN ('log_topic', 'log_partition', 'log_record', "
    "'log_record_by_partition', 'log_commit', 'log_generation')";

constexpr std::string_view topic_by_name_text = "SELECT id, partitions FROM log_topic WHERE name = $1";
constexpr std::string_view insert_topic_text =
    "INSERT INTO log_topic (name, partitions, retention_ms, compacted) VALUES ($1, $2, $3, $4)";
constexpr std::string_view insert_partition_text = "INSERT INTO log_partition (topic_id, number) VALUES ($1, $2)";
constexpr std::string_view topics_text = "SELECT id, name, partitions, retention_ms, compacted FROM log_topic";
constexpr std::string_view partitions_text =
    "SELECT id, number, removed_below FROM log_partition WHERE topic_id = $1 ORDER BY number";
constexpr std::string_view next_offset_text =
    "SELECT max(coalesce((SELECT max(offset) + 1 FROM log_record), 0), "
    "coalesce((SELECT max(removed_below) FROM log_partition), 0))";

Result<std::int64_t> insert_topic(db::StatementCache& statements, const TopicSpec& spec) {
  auto insert = statements.prepare(insert_topic_text);
  if (!insert) return fail(std::move(insert).error());
  insert->bind_text(1, spec.name);
  insert->bind_integer(2, spec.partitions);
  if (spec.retention) {
    insert->bind_integer(3, spec.retention->count());
  } else {
    insert->bind_null(3);
  }
  insert->bind_integer(4, spec.compacted ? 1 : 0);
  auto inserted = insert->run();
  if (!inserted) return fail(std::move(inserted).error());
  return sqlite3_last_insert_rowid(statements.file());
}

Result<Topic> create_topic(db::StatementCache& statements, const TopicSpec& spec) {
  auto id = insert_topic(statements, spec);
  if (!id) return fail(std::move(id).error());
  auto insert = statements.prepare(insert_partition_text);
  if (!insert) return fail(std::move(insert).error());
  Topic topic{.id = *id, .spec = spec, .partitions = {}};
  for (std::int32_t number = 0; number < spec.partitions; ++number) {
    insert->bind_integer(1, topic.id);
    insert->bind_integer(2, number);
    auto inserted = insert->run();
    if (!inserted) return fail(std::move(inserted).error());
    topic.partitions.push_back(sqlite3_last_insert_rowid(statements.file()));
  }
  return topic;
}

Done load_partitions(SqliteReader& reader, Topic& topic, SqliteBoard& board) {
  auto select = reader.statements().prepare(partitions_text);
  if (!select) return fail(std::move(select).error());
  select->bind_integer(1, topic.id);
  while (true) {
    auto row = select->step();
    if (!row) return fail(std::move(row).error());
    if (!*row) return {};
    const PartitionId id = select->integer(0);
    auto last = reader.last(id);
    if (!last) return fail(std::move(last).error());
    board.add(id, std::max(*last ? **last + 1 : 0, select->integer(2)));
    topic.partitions.push_back(id);
  }
}

bool legal_in_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '.' || letter == '_' || letter == '-';
}

}  // namespace

void SqliteTopics::add(Topic topic) {
  const std::scoped_lock lock(mutex_);
  auto name = topic.spec.name;
  topics_.try_emplace(std::move(name), std::make_unique<const Topic>(std::move(topic)));
}

const Topic* SqliteTopics::find(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

std::vector<const Topic*> SqliteTopics::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<const Topic*> all;
  all.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) all.push_back(topic.get());
  return all;
}

Result<PartitionId> SqliteTopics::id_of(std::string_view topic, std::int32_t number) const {
  const auto* found = find(topic);
  if (found == nullptr) return fail(Kind::not_found, fmt::format("there is no topic {}", topic));
  if (number < 0 || number >= found->spec.partitions)
    return fail(Kind::not_found, fmt::format("topic {} has no partition {}", topic, number));
  return found->partitions[static_cast<std::size_t>(number)];
}

Done check(const TopicSpec& spec) {
  constexpr std::size_t name_bytes_max = 249;  // Kafka's rule, so that a topic can move there
  if (spec.name.empty() || spec.name.size() > name_bytes_max || !std::ranges::all_of(spec.name, legal_in_name) ||
      spec.name == "." || spec.name == "..") {
    return fail(Kind::invalid,
                fmt::format("a topic's name is 1 to {} letters, digits, dots, dashes and underscores", name_bytes_max));
  }
  if (spec.partitions < 1 || spec.partitions > partitions_max)
    return fail(Kind::invalid, fmt::format("topic {} asks for {} partitions; 1 to {} are possible", spec.name,
                                           spec.partitions, partitions_max));
  return {};
}

Result<std::vector<Topic>> create_topics(db::StatementCache& statements, const std::vector<TopicSpec>& specs) {
  std::vector<Topic> created;
  for (const auto& spec : specs) {
    std::optional<std::int64_t> partitions;
    {
      auto select = statements.prepare(topic_by_name_text);
      if (!select) return fail(std::move(select).error());
      select->bind_text(1, spec.name);
      auto row = select->step();
      if (!row) return fail(std::move(row).error());
      if (*row) partitions = select->integer(1);
    }
    if (partitions && *partitions != spec.partitions)
      return fail(Kind::conflict, fmt::format("topic {} has {} partitions, not {}: the number is fixed for its life",
                                              spec.name, *partitions, spec.partitions));
    if (partitions) continue;
    auto topic = create_topic(statements, spec);
    if (!topic) return fail(std::move(topic).error());
    created.push_back(std::move(*topic));
  }
  return created;
}

Result<Offset> load(SqliteReader& reader, SqliteTopics& topics, SqliteBoard& board) {
  auto select = reader.statements().prepare(topics_text);
  if (!select) return fail(std::move(select).error());
  while (true) {
    auto row = select->step();
    if (!row) return fail(std::move(row).error());
    if (!*row) break;
    Topic topic{.id = select->integer(0),
                .spec = {.name = std::string{select->text(1)},
                         .partitions = static_cast<std::int32_t>(select->integer(2)),
                         .compacted = select->integer(4) != 0},
                .partitions = {}};
    if (!select->is_null(3)) topic.spec.retention = std::chrono::milliseconds{select->integer(3)};
    auto loaded = load_partitions(reader, topic, board);
    if (!loaded) return fail(std::move(loaded).error());
    if (topic.partitions.size() != static_cast<std::size_t>(topic.spec.partitions))
      return fail(Kind::corrupt, fmt::format("topic {} has lost partitions: bring back a backup with `sluice restore`",
                                             topic.spec.name));
    topics.add(std::move(topic));
  }
  auto next = reader.statements().prepare(next_offset_text);
  if (!next) return fail(std::move(next).error());
  auto row = next->step();
  if (!row) return fail(std::move(row).error());
  return next->integer(0);
}

Result<bool> has_schema(SqliteReader& reader) {
  auto select = reader.statements().prepare(has_schema_text);
  if (!select) return fail(std::move(select).error());
  auto row = select->step();
  if (!row) return fail(std::move(row).error());
  return select->integer(0) == static_cast<std::int64_t>(schema.size());
}

Done create_schema(db::StatementCache& statements) {
  for (const auto text : schema) {
    auto create = statements.prepare(text);
    if (!create) return fail(std::move(create).error());
    auto created = create->run();
    if (!created) return created;
  }
  return {};
}

}  // namespace sluice::log
