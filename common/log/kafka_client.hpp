// Makes librdkafka's clients: which properties each use has, and where their log lines go.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.hpp"
#include "common/log/kafka_handles.hpp"
#include "common/log/kafka_settings.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

KafkaProperties connection_properties(const KafkaSettings& settings);
KafkaProperties producer_properties(const KafkaSettings& settings);
KafkaProperties member_properties(const KafkaSettings& settings, const Subscription& subscription);

// Reading without a group: whole ranges ahead of the reader, or no more than one record needs.
enum class KafkaReading { range, one };
KafkaProperties reader_properties(const KafkaSettings& settings, KafkaReading reading);

// Where everything around one Kafka says what it has to say.
class KafkaVoice {
 public:
  explicit KafkaVoice(decltype(KafkaSettings::on_log) on_log) : on_log_(std::move(on_log)) {}

  void say(int level, std::string_view text) const {
    if (on_log_) on_log_(level, text);
  }
  void warn(std::string_view text) const { say(4, text); }

 private:
  decltype(KafkaSettings::on_log) on_log_;
};

// What a client does beside asking and answering.
struct KafkaCallbacks {
  void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*) = nullptr;  // inside rd_kafka_poll()
  int events = 0;  // RD_KAFKA_EVENT_* to be polled from a queue instead of called back
};

// Kind::invalid when the library refuses a property. Connecting happens later and by itself. The voice must outlive the
// client.
Result<KafkaClient> make_client(rd_kafka_type_t type, const KafkaProperties& properties, const KafkaVoice& voice,
                                const KafkaCallbacks& callbacks = {});

}  // namespace sluice::log
