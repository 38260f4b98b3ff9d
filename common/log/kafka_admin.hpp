// Topics and offsets, asked and told through one client without a role, and watermarks through one for each group. All
// of it blocks, within request_wait_max, so it runs beside the loop; from several threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/guarded.hpp"
#include "common/log/kafka_client.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

class KafkaAdmin {
 public:
  KafkaAdmin(const KafkaSettings& settings, const KafkaVoice& voice, const Clock& clock, KafkaClient client);

  // Replicated three times where there are so many brokers, and visible through us when it returns. Those that exist
  // with equal partitions are fine; others are Kind::conflict, and the rest is created all the same.
  Done create_topics(const std::vector<TopicSpec>& topics);

  // Without Kafka's own; with all that were created through us, and with others once the brokers have told each other.
  Result<std::vector<TopicInfo>> topics();

  Result<std::int32_t> partitions(const std::string& topic);
  Done check(const Partition& partition);  // not_found unless it is there; remembers what was
  Result<Span> span(const Partition& partition);
  Result<std::optional<Committed>> committed(const std::string& group, const Partition& partition);

  void stop() { stopping_ = true; }  // what is under way answers Kind::stopping soon

 private:
  using Milliseconds = std::chrono::milliseconds;
  using Bystander = std::shared_ptr<rd_kafka_t>;  // belongs to a group and never joins it

  // Asks again for as long as there is time and the answer is that the right broker cannot be asked just now.
  template <class Ask>
  auto patiently(const Ask& ask) -> decltype(ask(Milliseconds{}));
  Result<KafkaEvent> ask_admin(std::string_view what, rd_kafka_admin_op_t operation, Milliseconds wait,
                               const std::function<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& ask);

  Result<Bystander> bystander_of(const std::string& group);
  Result<std::int32_t> count_brokers();
  Done create(std::span<const TopicSpec> topics, std::int32_t replicas);
  Done settle_existing(const TopicSpec& topic);
  Result<std::vector<TopicInfo>> list_topics();
  // Whether one that we know of is absent.
  bool lacks_known(const std::vector<TopicInfo>& listed) const;
  // Adds to `without` those whose settings the broker could not tell.
  Done read_configs(std::span<TopicInfo> topics, Milliseconds wait, std::unordered_set<std::string>& without);

  const KafkaSettings& settings_;
  const KafkaVoice& voice_;
  const Clock& clock_;
  KafkaClient client_;
  std::atomic<bool> stopping_{false};
  Guarded<std::unordered_map<std::string, std::int32_t>> known_;      // partitions by topic, when it was last asked for
  Guarded<std::list<std::pair<std::string, Bystander>>> bystanders_;  // by group, the last one asked about first
};

}  // namespace sluice::log
