// The commits of one member on their way to the coordinator: one request at a time, so that none can overtake another,
// and what waits meanwhile goes together in the next one.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/reply.hpp"
#include "common/log/kafka_handles.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

// What a group has stored at a partition of a list that the coordinator has filled in.
std::optional<Committed> committed_at(const rd_kafka_topic_partition_t& element);

// Used on the member's thread alone.
class KafkaCommits {
 public:
  struct Request {
    std::vector<Commit> commits;
    std::shared_ptr<Reply<Done>> reply;
  };

  KafkaCommits(const Clock& clock, std::chrono::milliseconds wait_max) : clock_(clock), wait_max_(wait_max) {}

  void take(Request request);
  void send(rd_kafka_t* client, rd_kafka_queue_t* answers);  // the next ones, unless some are under way
  void answered(rd_kafka_event_t* event);                    // RD_KAFKA_EVENT_OFFSET_COMMIT
  void answer_overdue();                                     // those whose answer does not come
  void refuse_all(const Failure& failure);
  [[nodiscard]] bool idle() const { return waiting_.empty() && sent_.empty(); }

 private:
  struct Asked {  // what one call of commit() waits for
    std::shared_ptr<Reply<Done>> reply;
    std::size_t open = 0;
    std::optional<Failure> failure;
  };
  struct Item {
    Commit commit;
    std::shared_ptr<Asked> asked;
    bool alone = false;  // it may be the one whose metadata the broker refuses
  };

  void finish(std::vector<Item> items, const std::optional<Failure>& failure);

  const Clock& clock_;
  const std::chrono::milliseconds wait_max_;
  std::deque<Item> waiting_;
  std::vector<Item> sent_;
  std::uintptr_t sent_number_ = 0;  // tells a late answer from the one that is waited for
  Instant sent_at_{};
};

}  // namespace sluice::log
