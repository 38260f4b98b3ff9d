// The topics of the file: their tables, and the list of them that every call looks into.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/sqlite_file.hpp"
#include "common/log/log.hpp"
#include "common/log/sqlite_board.hpp"
#include "common/log/sqlite_reader.hpp"
#include "common/log/sqlite_rows.hpp"

namespace sluice::log {

constexpr std::int32_t partitions_max = 1024;  // of one topic

struct Topic {
  std::int64_t id = 0;
  TopicSpec spec;
  std::vector<PartitionId> partitions;  // by number
};

// From any thread. Topics are never removed, so what find() answers stays good as long as this object.
class SqliteTopics {
 public:
  void add(Topic topic);  // one that is known already is left as it is

  [[nodiscard]] const Topic* find(std::string_view name) const;
  [[nodiscard]] std::vector<const Topic*> all() const;  // by name

  // not_found says which part of it is unknown.
  [[nodiscard]] Result<PartitionId> id_of(std::string_view topic, std::int32_t number) const;
  [[nodiscard]] Result<PartitionId> id_of(const Partition& partition) const {
    return id_of(partition.topic, partition.number);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<const Topic>, std::less<>> topics_;
};

// A legal name and a legal number of partitions.
Done check(const TopicSpec& spec);

// Makes those that are absent. A topic with another number of partitions is a conflict and makes none of them.
// On the writer's connection, inside a job.
Result<std::vector<Topic>> create_topics(db::StatementCache& statements, const std::vector<TopicSpec>& specs);

// What the file holds when it is opened: fills `topics` and `board`, and answers with the first offset that was never
// given to a record.
Result<Offset> load(SqliteReader& reader, SqliteTopics& topics, SqliteBoard& board);

// The tables of the log. Only what is missing is made.
Result<bool> has_schema(SqliteReader& reader);
Done create_schema(db::StatementCache& statements);

}  // namespace sluice::log
