#include "common/log/kafka_topics.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/log/kafka_errors.hpp"

namespace sluice::log {

bool is_legal_topic(std::string_view name) {
  constexpr std::size_t name_bytes_max = 249;
  const auto legal = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || (each >= '0' && each <= '9') ||
           each == '.' || each == '_' || each == '-';
  };
  return !name.empty() && name.size() <= name_bytes_max && name != "." && name != ".." &&
         std::ranges::all_of(name, legal);
}

KafkaTopicHandle topic_handle(rd_kafka_t* client, const std::string& topic) {
  KafkaTopicHandle handle{rd_kafka_topic_new(client, topic.c_str(), nullptr)};
  ENSURE(handle != nullptr, "a legal topic name makes a handle");
  return handle;
}

Result<std::int32_t> ask_partitions(rd_kafka_t* client, const std::string& topic, std::chrono::milliseconds wait) {
  const auto absent = fmt::format("there is no topic '{}'", topic);
  if (!is_legal_topic(topic)) return fail(Kind::not_found, absent);
  const auto handle = topic_handle(client, topic);
  const rd_kafka_metadata_t* answer = nullptr;
  const auto error = rd_kafka_metadata(client, 0, handle.get(), &answer, static_cast<int>(wait.count()));
  const KafkaMetadata metadata{answer};
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_failure(error, fmt::format("asking for topic '{}'", topic)));
  if (metadata->topic_cnt == 0) return fail(Kind::not_found, absent);
  const auto& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return fail(Kind::not_found, absent);
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(found.err, fmt::format("topic '{}'", topic)));
  return found.partition_cnt;
}

namespace {

// `which` stands where a moment would: the offset of the first or behind the last record.
Result<Offset> ask_offset(rd_kafka_t* client, const Partition& partition, Offset which,
                          std::chrono::milliseconds wait) {
  const auto list = new_partitions(1);
  auto* asked = rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number);
  asked->offset = which;
  auto error = rd_kafka_offsets_for_times(client, list.get(), static_cast<int>(wait.count()));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = asked->err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(error, "asking for the span of a partition"));
  return asked->offset;
}

}  // namespace

Result<Span> ask_span(rd_kafka_t* client, const Partition& partition, std::chrono::milliseconds wait) {
  const auto first = ask_offset(client, partition, RD_KAFKA_OFFSET_BEGINNING, wait);
  if (!first) return fail(first.error());
  const auto end = ask_offset(client, partition, RD_KAFKA_OFFSET_END, wait);
  if (!end) return fail(end.error());
  return Span{*first, *end};
}

}  // namespace sluice::log
