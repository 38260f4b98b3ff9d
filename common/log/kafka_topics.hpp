// What the cluster knows about topics, by asking it. All of it blocks for up to `wait`: never on a loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/log/kafka_handles.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

// A topic that was just created is not known to every broker yet: so long none is believed that there is no such topic.
constexpr std::chrono::milliseconds absent_topic_wait_max{1'000};

bool is_legal_topic(std::string_view name);  // as Kafka has it: 1 to 249 of letters, digits, dot, underscore and dash

// How many partitions it has; not_found when there is no such topic.
Result<std::int32_t> ask_partitions(rd_kafka_t* client, const std::string& topic, std::chrono::milliseconds wait);

// From the oldest record that is there to the end. The library has a function for just that, which goes on waiting for
// a leader that does not answer, whatever time it was given.
Result<Span> ask_span(rd_kafka_t* client, const Partition& partition, std::chrono::milliseconds wait);

// A handle for producing to it or reading it; making one for a topic that doesn't exist is no error.
KafkaTopicHandle topic_handle(rd_kafka_t* client, const std::string& topic);

}  // namespace sluice::log
