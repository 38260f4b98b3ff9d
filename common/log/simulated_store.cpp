#include "common/log/simulated_store.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"

namespace sluice::log {

namespace {

constexpr std::size_t topic_name_bytes_max = 249;  // Kafka's

bool is_legal_name(const std::string& name) {
  constexpr std::string_view others = "._-";
  return !name.empty() && name.size() <= topic_name_bytes_max && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
  });
}

}  // namespace

Record StoredRecord::read() const {
  std::vector<HeaderView> views;
  views.reserve(headers.size());
  for (const auto& header : headers) views.push_back({header.name, header.value});
  const bool damaged = crc && *crc != checksum(key, value, views);
  return Record{{.offset = offset,
                 .timestamp = timestamp,
                 .key = key,
                 .value = value,
                 .headers = views,
                 .damage = damaged ? "checksum" : "",
                 .raw_headers = {}}};
}

std::vector<StoredRecord>::const_iterator StoredPartition::at_or_above(Offset offset) const {
  return std::ranges::lower_bound(records, offset, {}, &StoredRecord::offset);
}

Done SimulatedStore::create(const TopicSpec& spec) {
  if (!is_legal_name(spec.name)) {
    return fail(Kind::invalid,
                fmt::format("a topic cannot be named '{}': letters, digits, '.', '_' and '-' only, up to {}", spec.name,
                            topic_name_bytes_max));
  }
  if (spec.partitions < 1) return fail(Kind::invalid, fmt::format("topic {} needs at least one partition", spec.name));
  if (const auto* known = topic(spec.name)) {
    if (known->partitions == spec.partitions) return {};
    return fail(Kind::conflict, fmt::format("topic {} has {} partitions and cannot have {}", spec.name,
                                            known->partitions, spec.partitions));
  }
  topics_.emplace(spec.name, spec);
  for (std::int32_t number = 0; number < spec.partitions; ++number) {
    const auto serial = static_cast<std::int64_t>(partitions_.size()) + 1;
    partitions_[{spec.name, number}].number = serial;
  }
  return {};
}

const TopicSpec* SimulatedStore::topic(const std::string& name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

std::vector<TopicInfo> SimulatedStore::topics() const {
  std::vector<TopicInfo> all;
  all.reserve(topics_.size());
  for (const auto& [name, spec] : topics_) all.push_back({spec, 1});
  return all;
}

StoredPartition* SimulatedStore::find(const Partition& partition) {
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? nullptr : &found->second;
}

Result<StoredPartition*> SimulatedStore::find_or_fail(const Partition& partition) {
  if (auto* found = find(partition)) return found;
  return fail(Kind::not_found, fmt::format("there is no partition {} of topic {}", partition.number, partition.topic));
}

Offset SimulatedStore::append(StoredPartition& partition, const Outgoing& record, Offset gap, bool with_checksum) {
  ENSURE(record.timestamp.has_value(), "a stored record has a timestamp");
  const auto offset = partition.next + gap;
  partition.next = offset + 1;
  StoredRecord stored{offset, *record.timestamp, record.key, record.value, record.headers, std::nullopt};
  if (with_checksum) stored.crc = checksum(record);
  partition.records.push_back(std::move(stored));
  return offset;
}

std::vector<Record> SimulatedStore::read(const StoredPartition& partition, Offset from, Offset end,
                                         const ReadLimits& limits) {
  std::vector<Record> read;
  std::size_t bytes = 0;
  for (auto at = partition.at_or_above(from); at != partition.records.end() && at->offset < end; ++at) {
    if (read.size() >= limits.records_max) break;
    auto next = at->read();
    bytes += next.bytes();
    if (!read.empty() && bytes > limits.bytes_max) break;
    read.push_back(std::move(next));
  }
  return read;
}

Result<Record> SimulatedStore::read_one(const StoredPartition& partition, Offset offset) {
  const auto found = partition.at_or_above(offset);
  if (found == partition.records.end() || found->offset != offset) {
    return fail(Kind::not_found, fmt::format("there is no record at offset {}", offset));
  }
  return found->read();
}

void SimulatedStore::flip_bit(StoredPartition& partition, Offset offset) {
  const auto found = std::ranges::find(partition.records, offset, &StoredRecord::offset);
  ENSURE(found != partition.records.end(), "only a stored record can be damaged");
  auto& text = found->value && !found->value->empty() ? found->value : found->key;
  ENSURE(text && !text->empty(), "there is no bit to flip in a record without key and value");
  text->back() = static_cast<char>(text->back() ^ 1);
}

void SimulatedStore::retain(WallTime now, const std::function<Offset(const Partition&)>& unfinished) {
  for (auto& [partition, stored] : partitions_) {
    const auto& spec = topics_.at(partition.topic);
    if (spec.retention) remove_old(stored, now - *spec.retention, unfinished(partition));
    if (spec.compacted) compact(stored);
  }
}

// From the front only: what follows a younger or an unfinished record stays with it.
void SimulatedStore::remove_old(StoredPartition& partition, WallTime oldest, Offset unfinished) {
  const auto stays = std::ranges::find_if(partition.records, [&](const StoredRecord& record) {
    return record.timestamp >= oldest || record.offset >= unfinished;
  });
  if (stays != partition.records.begin()) partition.first = std::prev(stays)->offset + 1;
  partition.records.erase(partition.records.begin(), stays);
}

void SimulatedStore::compact(StoredPartition& partition) {
  std::map<std::string, Offset> last;
  for (const auto& record : partition.records) {
    if (record.key) last[*record.key] = record.offset;
  }
  std::erase_if(partition.records, [&](const StoredRecord& record) {
    return record.key && (last[*record.key] != record.offset || !record.value);
  });
}

}  // namespace sluice::log
