// One append on its way through the producer: what was asked, and what has become known of each record.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/async/reply.hpp"
#include "common/base/result.hpp"
#include "common/log/kafka_handles.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

using Appended = Result<std::vector<Offset>>;

class KafkaAppend;
using KafkaAppends = std::list<KafkaAppend>;  // nodes move between lists, so that their addresses stay

class KafkaAppend {
 public:
  // What the library holds of each record while it has it, and gives back with its report.
  struct Slot {
    KafkaAppend* append = nullptr;
    Offset offset = -1;
  };
  struct Report {
    Slot* slot = nullptr;
    Offset offset = -1;
    std::optional<Failure> failure;
  };

  // Kind::invalid when a record can never be stored; then nothing of the call is.
  static Result<KafkaAppends> prepare(std::vector<Outgoing> records, std::size_t record_bytes_max);
  explicit KafkaAppend(std::vector<Outgoing> records);

  // Gives all records to the library, in order. False when it took none of them; why is the outcome then.
  template <class TopicOf>
  bool hand_over(rd_kafka_t* client, const TopicOf& topic_of) {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (!hand_over(client, topic_of(records_[i]), i)) break;
    }
    return unreported_ > 0;
  }

  void report(const Report& report);
  [[nodiscard]] bool settled() const { return unreported_ == 0; }
  [[nodiscard]] Appended outcome() const;

  [[nodiscard]] const std::vector<Outgoing>& records() const { return records_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool concerns(std::string_view topic) const;  // it has a record for it

  std::shared_ptr<Reply<Appended>> reply;
  Instant began{};
  std::vector<Report>* reports = nullptr;  // where the producer's thread collects them
  KafkaAppends::iterator place;

 private:
  bool hand_over(rd_kafka_t* client, rd_kafka_topic_t* topic, std::size_t index);

  std::vector<Outgoing> records_;  // key and value are the library's to read until it has reported
  std::vector<KafkaHeaders> headers_;
  std::vector<Slot> slots_;
  std::size_t bytes_ = 0;
  std::size_t unreported_ = 0;
  bool some_may_be_there_ = false;
  std::optional<Failure> failure_;  // the first one
};

}  // namespace sluice::log
