// A log on a real Kafka in a test: what it says is kept, and what was asked of it can be held against what is there.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/clock_real.hpp"
#include "common/async/loop.hpp"
#include "common/async/scope.hpp"
#include "common/log/kafka_log.hpp"
#include "tests/common/log/kafka_cluster.hpp"
#include "tests/support/run.hpp"

namespace sluice::log {

class KafkaScene {
 public:
  explicit KafkaScene(KafkaCluster cluster);
  KafkaScene(KafkaCluster cluster, KafkaSettings settings);

  [[nodiscard]] KafkaSettings settings();  // the cluster's, with a hook that remembers what is said
  [[nodiscard]] bool heard(std::string_view what) const;
  std::unique_ptr<KafkaLog> open(KafkaSettings settings);
  std::string fresh_topic(std::int32_t partitions);

  template <class T>
  T run(Task<T> task) {
    return run_task(loop, std::move(task));
  }

  // Runs the loop in short turns until `reached`; false after `limit`.
  template <class Reached>
  bool until(const Reached& reached, Duration limit = std::chrono::seconds{30}) {
    const auto latest = clock.now() + limit;
    while (!reached()) {
      if (clock.now() >= latest) return false;
      run(clock.sleep_for(std::chrono::milliseconds{5}));
    }
    return true;
  }

  Loop loop;
  RealClock clock{loop};
  KafkaCluster cluster;

 private:
  struct Heard {
    std::mutex mutex;
    std::string text;
  };
  std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();

 public:
  std::unique_ptr<KafkaLog> log;  // speaks into what stands above
};

Outgoing to(const Partition& partition, std::string value);

// An append that was asked for, and its answer.
struct Asked {
  std::string value;
  std::optional<Result<std::vector<Offset>>> answer;
  Duration took{};
};
Task<> ask(KafkaScene& scene, Log& log, Partition partition, Asked& asked);
void ask_all(KafkaScene& scene, Scope& scope, Log& log, const Partition& partition, std::vector<Asked>& all);

// What is there agrees with what was answered: acknowledged once at its offset, not written never, maybe at most once,
// and all in the order in which they were asked for. Answers how many were acknowledged.
std::size_t check_agreement(KafkaScene& scene, const Partition& partition, const std::vector<Asked>& all);
std::vector<Record> all_of(KafkaScene& scene, Partition partition);

// A consumer that remembers what it was told, releases what is revoked and, when asked to, commits what it was given.
struct Listener {
  struct Got {
    Partition partition;
    Epoch epoch = 0;
    Record record;
  };

  explicit Listener(std::unique_ptr<Consumer> consumer) : consumer(std::move(consumer)) {}

  Task<> listen();  // until Closed
  Task<> take(Records batch);
  [[nodiscard]] std::vector<std::string> values() const;

  std::unique_ptr<Consumer> consumer;
  bool commits = false;
  std::vector<Assignment> assigned;  // all of them, in order
  std::vector<Got> records;
  std::vector<Partition> revoked;
  std::vector<Partition> lost;
  std::optional<Failure> broken;
  bool closed = false;
};
std::unique_ptr<Listener> subscribe(KafkaScene& scene, Log& log, std::string group, std::vector<std::string> topics);
void start(KafkaScene& scene, Listener& listener);  // listens until it is closed

}  // namespace sluice::log
