// Which records of an append the library is given, and when. No broker is asked.
#include "common/log/kafka_append.hpp"

#include <deque>

#include <doctest/doctest.h>

#include "common/log/kafka_client.hpp"
#include "common/log/kafka_topics.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

constexpr Instant now{};
constexpr Instant later = now + 1h;

struct AppendScene {
  AppendScene() {
    // Without a broker the library has nothing to say, so that what it holds is the records alone.
    auto made = make_client(RD_KAFKA_PRODUCER, producer_properties(KafkaSettings{}), voice);
    REQUIRE(made.has_value());
    client = std::move(*made);
    topic = topic_handle(client.get(), "a");
  }

  KafkaAppends append(const std::vector<std::int32_t>& partitions) {
    std::vector<Outgoing> records;
    for (const auto partition : partitions)
      records.push_back({.topic = "a", .partition = partition, .key = "key", .value = "text"});
    auto prepared = KafkaAppend::prepare(std::move(records), 1'000);
    REQUIRE(prepared.has_value());
    return std::move(*prepared);
  }

  bool hand_over(KafkaAppend& append) {
    return append.hand_over(client.get(), now, [this](const Outgoing& record) {
      return std::pair<rd_kafka_topic_t*, KafkaGate&>{topic.get(), gates[static_cast<std::size_t>(record.partition)]};
    });
  }
  // The library reads a record's bytes until it is gone.
  void end() {
    topic.reset();
    client.reset();
  }
  int given() { return rd_kafka_outq_len(client.get()); }

  KafkaVoice voice{nullptr};
  std::deque<KafkaGate> gates = std::deque<KafkaGate>(2);
  KafkaClient client;
  KafkaTopicHandle topic;
};

}  // namespace

TEST_CASE("one record goes alone into a partition that has acknowledged nothing") {
  AppendScene scene;
  auto first = scene.append({0, 0, 0});
  auto second = scene.append({0});

  CHECK(scene.hand_over(first.front()));
  CHECK(scene.given() == 1);
  CHECK_FALSE(first.front().handed_over());
  CHECK_FALSE(scene.hand_over(second.front()));
  CHECK(scene.given() == 1);

  scene.gates[0] = {later, false};  // it was acknowledged
  CHECK(scene.hand_over(first.front()));
  CHECK(first.front().handed_over());
  CHECK_FALSE(first.front().settled());
  CHECK(scene.hand_over(second.front()));
  CHECK(scene.given() == 4);
  scene.end();
}

TEST_CASE("partitions are opened side by side") {
  AppendScene scene;
  auto append = scene.append({0, 1, 0});

  CHECK(scene.hand_over(append.front()));

  CHECK(scene.given() == 2);
  scene.end();
}

TEST_CASE("a partition whose gate has closed again is opened again") {
  AppendScene scene;
  scene.gates[0] = {now, false};
  auto append = scene.append({0, 0});

  CHECK(scene.hand_over(append.front()));

  CHECK(scene.given() == 1);
  CHECK(scene.gates[0].opening);
  scene.end();
}

TEST_CASE("an append that was stopped on the way waits for what the library has and is perhaps there") {
  AppendScene scene;
  auto appends = scene.append({0, 0});
  auto& append = appends.front();
  CHECK(scene.hand_over(append));

  append.stop({Kind::not_found, "the topic is gone"});

  CHECK(append.handed_over());
  CHECK_FALSE(append.settled());
  CHECK(append.some_may_be_there());
  scene.end();
}

}  // namespace sluice::log
