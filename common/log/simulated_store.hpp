// The durable state of a simulated log: topics, partitions and their records. No time, no chance, no tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

struct StoredRecord {
  Offset offset = 0;
  WallTime timestamp{};
  std::optional<std::string> key;
  std::optional<std::string> value;
  Headers headers;
  std::optional<std::uint32_t> crc;  // none: stored by a foreign program

  [[nodiscard]] Record read() const;  // poison when the checksum fails
};

struct StoredPartition {
  std::int64_t number = 0;            // in the order of creation, from 1
  std::vector<StoredRecord> records;  // by rising offset
  Offset first = 0;                   // below it everything was removed
  Offset next = 0;

  [[nodiscard]] std::vector<StoredRecord>::const_iterator at_or_above(Offset offset) const;
};

class SimulatedStore {
 public:
  Done create(const TopicSpec& spec);
  [[nodiscard]] const TopicSpec* topic(const std::string& name) const;
  [[nodiscard]] std::vector<TopicInfo> topics() const;

  [[nodiscard]] StoredPartition* find(const Partition& partition);  // nullptr when there is none
  [[nodiscard]] Result<StoredPartition*> find_or_fail(const Partition& partition);

  // `gap` offsets are left out before it. The timestamp must be given.
  static Offset append(StoredPartition& partition, const Outgoing& record, Offset gap, bool with_checksum = true);
  static std::vector<Record> read(const StoredPartition& partition, Offset from, Offset end, const ReadLimits& limits);
  static Result<Record> read_one(const StoredPartition& partition, Offset offset);
  static void flip_bit(StoredPartition& partition, Offset offset);  // of the value, or of the key when there is none

  // What age and compaction may remove by now. `unfinished` is the lowest offset that some group still needs.
  void retain(WallTime now, const std::function<Offset(const Partition&)>& unfinished);

 private:
  static void remove_old(StoredPartition& partition, WallTime oldest, Offset unfinished);
  static void compact(StoredPartition& partition);

  std::map<std::string, TopicSpec> topics_;
  std::map<Partition, StoredPartition> partitions_;
};

}  // namespace sluice::log
