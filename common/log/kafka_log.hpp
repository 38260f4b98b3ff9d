// The log on Apache Kafka: for many processes on many machines. Floor: librdkafka 2.0.2.
//
//  - append: one idempotent producer, acks=all; on three brokers two have the record when it is acknowledged.
//  - subscribe: a group with the `range` assignor, which gives partition n of all topics to one member.
//  - read, span, committed, topics: asked beside the loop, answered within request_wait_max.
//
// Kafka removes by age whatever groups have finished or not: a topic's retention must be far longer than any lag.
#pragma once

#include <memory>

#include "common/async/clock.hpp"
#include "common/log/kafka_settings.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

class KafkaLog final : public Log {
 public:
  // Kind::invalid when the settings can't be. Connecting goes on in the background: a Kafka that is away shows in each
  // answer, not here. Only the clock's readings are used, so it may belong to any loop.
  static Result<std::unique_ptr<KafkaLog>> open(KafkaSettings settings, const Clock& clock);

  // Without close(), everything is left as by a crash: what is under way is answered as maybe written, groups notice
  // after their session time-out. Consumers may be destroyed later.
  ~KafkaLog() override;

  [[nodiscard]] Capabilities capabilities() const override {
    return {.atomic = false, .many_processes = true, .removes_unfinished = true};
  }
  Task<Result<std::vector<Offset>>> append(std::vector<Outgoing> records) override;
  Task<Result<std::vector<Offset>>> append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                      std::vector<Commit> commits) override;  // Kind::invalid
  Task<Result<std::unique_ptr<Consumer>>> subscribe(Subscription subscription) override;
  Task<Result<std::vector<Record>>> read(Partition partition, Offset from, ReadLimits limits) override;
  Task<Result<Record>> read_one(Partition partition, Offset offset) override;
  Task<Result<Span>> span(Partition partition) override;
  Task<Result<std::optional<Committed>>> committed(std::string group, Partition partition) override;
  Task<Done> create_topics(std::vector<TopicSpec> topics) override;
  Task<Result<std::vector<TopicInfo>>> topics() override;

  // Answers every append, lets consumers that are still open leave their groups, and ends all threads.
  Task<> close() override;

 private:
  struct Parts;
  explicit KafkaLog(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::log
