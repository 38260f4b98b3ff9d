// The log on a real Kafka plays the suite: on one node, and on three of which two must have each record.
#include <array>

#include <doctest/doctest.h>

#include "common/async/clock_real.hpp"
#include "common/log/kafka_log.hpp"
#include "tests/common/log/kafka_cluster.hpp"
#include "tests/conformance/log_story.hpp"
#include "tests/support/run.hpp"

namespace sluice::conformance {

namespace {

class KafkaWorld final : public LogWorld {
 public:
  explicit KafkaWorld(KafkaCluster cluster) : cluster_(std::move(cluster)), log_(open(cluster_.settings())) {}

  Loop& loop() override { return loop_; }
  Clock& clock() override { return clock_; }
  void run(Task<> story) override { run_task(loop_, std::move(story)); }
  Log& log() override { return *log_; }
  std::unique_ptr<Log> another() override { return open(cluster_.settings()); }

  Task<> reopen() override {
    co_await log_->close();
    log_ = open(cluster_.settings());
  }

  // A log that is dropped without close() flushes nothing and leaves no group.
  Task<> crash() override {
    log_.reset();
    log_ = open(cluster_.settings());
    co_return;
  }

  Task<> narrow() override {
    co_await log_->close();
    auto settings = cluster_.settings();
    settings.queue_records_max = 20;  // so few that even a slow program fills it faster than a broker empties it
    log_ = open(std::move(settings));
  }

  Task<> corrupt(Partition partition, Offset offset) override {
    const auto record = co_await log_->read_one(partition, offset);
    REQUIRE(record.has_value());
    cluster_.corrupt(partition, *record);
  }

  // Brokers learn of it one after the other.
  [[nodiscard]] Duration listed_within() const override { return std::chrono::seconds{5}; }

  Task<Offset> append_foreign(Outgoing record) override { co_return cluster_.append_foreign(record); }

 protected:
  [[nodiscard]] std::string run_name() const override { return run_name_; }

 private:
  std::unique_ptr<Log> open(KafkaSettings settings) {
    auto opened = KafkaLog::open(std::move(settings), clock_);
    if (!opened) FAIL("opening: ", opened.error().sentence);
    return std::move(*opened);
  }

  Loop loop_;
  RealClock clock_{loop_};
  KafkaCluster cluster_;
  std::string run_name_ = unique_name("suite");
  std::unique_ptr<Log> log_;
};

std::unique_ptr<LogWorld> make() {
  return std::make_unique<KafkaWorld>(KafkaCluster::SLUICE_KAFKA_CLUSTER());  // single or three: each is an executable
}

constexpr std::string_view not_atomic = "Kafka and the database share no transaction";
constexpr std::string_view own_time = "the brokers remove and compact when they like, not when they are asked";
constexpr auto cannot = std::to_array<Exception>({
    {"retention_removes_what_is_finished", own_time},
    {"retention_keeps_what_is_unfinished",
     "Kafka removes by age whatever groups have finished: retention is set far longer"},
    {"retention_keeps_the_young", own_time},
    {"offsets_are_never_used_again", own_time},
    {"compaction_keeps_the_last", own_time},
    {"tombstones_erase", own_time},
    {"atomic_is_whole", not_atomic},
    {"atomic_stale_epoch", not_atomic},
    {"atomic_unmet_expectation", not_atomic},
    {"atomic_bad_record", not_atomic},
    {"atomic_survives", not_atomic},
    {"atomic_finds_the_group", not_atomic},
});

}  // namespace

#define SLUICE_PLAY(function, sentence)      \
  TEST_CASE("kafka: " sentence) {            \
    play(make, cannot, #function, function); \
  }
SLUICE_LOG_CASES(SLUICE_PLAY)
#undef SLUICE_PLAY

TEST_CASE("kafka: what Kafka cannot play is stated") {
  check_exceptions("kafka", cannot);
}

}  // namespace sluice::conformance
