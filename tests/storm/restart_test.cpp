// Workers on Kafka and PostgreSQL are stopped and killed, and others go on.
#include <doctest/doctest.h>

#include "tests/common/db/postgres_support.hpp"
#include "tests/common/log/kafka_cluster.hpp"
#include "tests/storm/restart.hpp"

namespace sluice::storm {

namespace {

// Its topics go afterwards: a node that keeps thousands of partitions is slow in the tests that come.
class OnKafka {
 public:
  OnKafka() = default;
  OnKafka(const OnKafka&) = delete;
  OnKafka& operator=(const OnKafka&) = delete;
  ~OnKafka() { cluster_.remove_topics(prefix_); }

  [[nodiscard]] std::unique_ptr<Scene> scene() const {
    return split_scene(cluster_.brokers(), db::postgres_url_of_storms(), prefix_);
  }

 private:
  log::KafkaCluster cluster_ = log::KafkaCluster::storm();
  std::string prefix_ = log::unique_name("restart");
};

}  // namespace

TEST_CASE("a stop repeats nothing, and the next worker goes on in order") {
  const OnKafka kafka;
  a_stop_repeats_nothing(kafka.scene());
}

TEST_CASE("after SIGKILL only what ran or was not committed starts again, and nothing has a second effect") {
  const OnKafka kafka;
  a_kill_repeats_only_what_was_not_committed(kafka.scene(), false);
}

}  // namespace sluice::storm
