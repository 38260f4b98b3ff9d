// A real Kafka that a test uses: its brokers, its nodes, and what a program would do to it that isn't ours.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "common/log/kafka_settings.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

class KafkaCluster {
 public:
  // From TEST_KAFKA_SINGLE, TEST_KAFKA_THREE and TEST_KAFKA_STORM, which scripts/test sets; without them the test fails
  // and says so.
  static KafkaCluster single();
  static KafkaCluster three();
  static KafkaCluster storm();  // one node

  [[nodiscard]] const std::string& brokers() const { return brokers_; }

  // For tests: sessions and waits are short, and nothing is said.
  [[nodiscard]] KafkaSettings settings() const;

  // Through scripts/kafka: kill-node, start-node, pause-node, resume-node.
  void node(std::string_view verb, int number) const;
  void heal() const;  // every node runs
  [[nodiscard]] int leader_of(const Partition& partition) const;
  [[nodiscard]] int coordinator_of(std::string_view group) const;
  [[nodiscard]] std::string config_of(const std::string& topic, std::string_view name) const;
  void set_config(const std::string& topic, std::string_view name, const std::string& value) const;  // others stay

  // As a program would that is not ours: without a checksum, or with exactly these headers.
  Offset append_foreign(const Outgoing& record) const;
  void commit_foreign(const std::string& group, const Partition& partition, const Committed& committed) const;
  void remove_before(const Partition& partition, Offset offset) const;
  void remove_topic(const std::string& topic) const;
  void remove_topics(std::string_view beginning) const;  // all whose names begin so

  // Flips a bit of a value where it lies on the disks of the nodes.
  void corrupt(const Partition& partition, const Record& record) const;

 private:
  explicit KafkaCluster(std::string brokers) : brokers_(std::move(brokers)) {}
  [[nodiscard]] std::filesystem::path folder() const;

  std::string brokers_;
};

// A name that no other test, and no other run, uses in a store that outlives the run.
std::string unique_name(std::string_view what);

}  // namespace sluice::log
