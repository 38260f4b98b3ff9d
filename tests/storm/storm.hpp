// A storm on Kafka: events come in all the time while workers join, leave, are killed and frozen, and the broker is
// away. Afterwards the oracles are asked.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/async/random.hpp"
#include "common/async/scope.hpp"
#include "tests/common/log/kafka_cluster.hpp"
#include "tests/storm/evidence.hpp"

namespace sluice::storm {

struct StormSize {
  int events = 0;
  int conversations = 0;
  std::chrono::seconds produced_within{};
  std::chrono::milliseconds handler_max{8};
};

// Most events write a row, some do something outside, some fail a few times or so often that they are parked, a few can
// never work.
std::vector<Planned> planned_storm(const StormSize& size, Random& random);

class Storm {
 public:
  Storm(log::KafkaCluster cluster, const StormSize& size, std::uint64_t seed);
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;
  ~Storm();

  void wait(Duration least, Duration most);  // between those; a worker that gave up by itself is started again

  // Of workers: the one that is meant is drawn among those that run.
  void join(const std::string& slot = {});
  void kill();
  void kill_and_replace(std::size_t which);  // in its slot
  void terminate();                          // it goes while the storm goes on
  void freeze();
  void thaw();  // all that are frozen

  void refuse_letters();  // the topic of dead letters takes no record
  void take_letters();
  void broker(std::string_view verb, int node);  // of scripts/kafka

  // Until everything has its end or nothing comes to it any more; then every worker is stopped and the oracles are
  // asked.
  void end();

  [[nodiscard]] std::size_t running() const;  // workers that are neither frozen nor going
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] Instant now() { return scene_->clock().now(); }
  [[nodiscard]] int leader_of_some_partition();

 private:
  Task<> produce();
  std::size_t some_running();
  void supervise();
  void retire(std::unique_ptr<WorkerProcess> worker);
  void tell(const Evidence& evidence);

  log::KafkaCluster cluster_;
  StormSize size_;
  SeededRandom random_;
  std::vector<Planned> plan_;
  std::unique_ptr<Scene> scene_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
  std::vector<std::unique_ptr<WorkerProcess>> leaving_;
  std::vector<std::unique_ptr<WorkerProcess>> gone_;
  bool producing_ = true;
  int kills_ = 0;
  Instant began_{};
  std::unique_ptr<Scope> producer_;
};

}  // namespace sluice::storm
