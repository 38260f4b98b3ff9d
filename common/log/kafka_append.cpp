#include "common/log/kafka_append.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/log/kafka_errors.hpp"
#include "common/log/kafka_records.hpp"

namespace sluice::log {
KafkaAppend::KafkaAppend(std::vector<Outgoing> records) : records_(std::move(records)), slots_(records_.size()) {
  for (auto& slot : slots_) slot.append = this;
}

Result<KafkaAppends> KafkaAppend::prepare(std::vector<Outgoing> records, std::size_t record_bytes_max) {
  KafkaAppends made;
  auto& append = made.emplace_back(std::move(records));
  append.headers_.reserve(append.records_.size());
  for (const auto& record : append.records_) {
    const auto bytes = bytes_of(record);
    if (bytes > record_bytes_max) {
      return fail(Kind::invalid, fmt::format("a record of {} bytes; at most {} are allowed", bytes, record_bytes_max));
    }
    auto headers = kafka_headers_of(record);
    if (!headers) return fail(std::move(headers.error()));
    append.headers_.push_back(std::move(*headers));
    append.bytes_ += bytes;
  }
  return made;
}

// Each tag is followed by exactly the types that the library reads for it.
bool KafkaAppend::hand_over(rd_kafka_t* client, rd_kafka_topic_t* topic, std::size_t index) {
  const auto& record = records_[index];
  const void* key = record.key ? record.key->data() : nullptr;
  const void* value = record.value ? record.value->data() : nullptr;
  const std::size_t key_bytes = record.key ? record.key->size() : 0;
  const std::size_t value_bytes = record.value ? record.value->size() : 0;
  const std::int64_t timestamp = record.timestamp ? record.timestamp->time_since_epoch().count() : 0;  // 0: now
  const auto error = rd_kafka_producev(client, RD_KAFKA_VTYPE_RKT, topic, RD_KAFKA_VTYPE_PARTITION, record.partition,
                                       RD_KAFKA_VTYPE_KEY, key, key_bytes, RD_KAFKA_VTYPE_VALUE, value, value_bytes,
                                       RD_KAFKA_VTYPE_HEADERS, headers_[index].get(), RD_KAFKA_VTYPE_TIMESTAMP,
                                       timestamp, RD_KAFKA_VTYPE_MSGFLAGS, 0, RD_KAFKA_VTYPE_OPAQUE,
                                       static_cast<void*>(&slots_[index]), RD_KAFKA_VTYPE_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (!failure_) failure_ = kafka_record_failure(error, RD_KAFKA_MSG_STATUS_NOT_PERSISTED);
    return false;
  }
  (void)headers_[index].release();  // the library's now
  ++unreported_;
  return true;
}

void KafkaAppend::report(const Report& report) {
  --unreported_;
  report.slot->offset = report.offset;
  if (!report.failure || report.failure->kind == Kind::maybe_done) some_may_be_there_ = true;
  if (report.failure && !failure_) failure_ = report.failure;
}

void KafkaAppend::stop(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
}

bool KafkaAppend::concerns(std::string_view topic) const {
  return std::ranges::any_of(records_, [&](const auto& record) { return record.topic == topic; });
}

Appended KafkaAppend::outcome() const {
  if (failure_ && some_may_be_there_) {
    return fail(Kind::maybe_done, fmt::format("not all records were acknowledged: {}", failure_->sentence));
  }
  if (failure_) return fail(*failure_);
  std::vector<Offset> offsets;
  offsets.reserve(slots_.size());
  for (const auto& slot : slots_) offsets.push_back(slot.offset);
  return offsets;
}

}  // namespace sluice::log
