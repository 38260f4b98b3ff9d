#include "common/log/simulated_store.hpp"

#include <doctest/doctest.h>

namespace sluice::log {

namespace {

using namespace std::chrono_literals;

constexpr WallTime now{std::chrono::hours{1'000}};

struct StoreScene {
  explicit StoreScene(TopicSpec spec = {.name = "topic", .partitions = 1}) {
    REQUIRE(store.create(spec).has_value());
    partition = store.find({"topic", 0});
  }

  Offset append(std::string key, std::optional<std::string> value, std::chrono::milliseconds age = 0ms,
                Offset gap = 0) {
    return SimulatedStore::append(*partition,
                                  Outgoing{.topic = "topic",
                                           .partition = 0,
                                           .key = std::move(key),
                                           .value = std::move(value),
                                           .headers = {},
                                           .timestamp = now - age},
                                  gap);
  }

  [[nodiscard]] std::vector<Offset> offsets() const {
    std::vector<Offset> all;
    for (const auto& record : partition->records) all.push_back(record.offset);
    return all;
  }

  SimulatedStore store;
  StoredPartition* partition;
};

}  // namespace

TEST_CASE("a gap leaves offsets out before a record") {
  StoreScene scene;

  CHECK(scene.append("k", "a") == 0);
  CHECK(scene.append("k", "b", 0ms, 3) == 4);
  CHECK(scene.append("k", "c") == 5);

  const auto read = SimulatedStore::read(*scene.partition, 1, scene.partition->next, {});
  REQUIRE(read.size() == 2);
  CHECK(read[0].offset() == 4);
  CHECK_FALSE(SimulatedStore::read_one(*scene.partition, 2).has_value());
}

TEST_CASE("a reading ends below the end that it is given") {
  StoreScene scene;
  for (int i = 0; i < 5; ++i) scene.append("k", "v");

  CHECK(SimulatedStore::read(*scene.partition, 0, 3, {}).size() == 3);
  CHECK(SimulatedStore::read(*scene.partition, 3, 3, {}).empty());
}

TEST_CASE("age removes from the front and stops at what is young or unfinished") {
  StoreScene scene{{.name = "topic", .partitions = 1, .retention = 1h}};
  scene.append("k", "old", 3h);
  scene.append("k", "old", 2h);
  scene.append("k", "young", 10min);
  scene.append("k", "old again", 2h);

  scene.store.retain(now, [](const Partition&) { return Offset{1}; });
  CHECK(scene.offsets() == std::vector<Offset>{1, 2, 3});
  CHECK(scene.partition->first == 1);
  scene.store.retain(now, [](const Partition&) { return Offset{100}; });
  CHECK(scene.offsets() == std::vector<Offset>{2, 3});
  scene.store.retain(now + 1h, [](const Partition&) { return Offset{100}; });
  CHECK(scene.offsets().empty());
  CHECK(scene.append("k", "next") == 4);
}

TEST_CASE("compaction keeps records without a key") {
  StoreScene scene{{.name = "topic", .partitions = 1, .compacted = true}};
  scene.append("a", "1");
  scene.append("a", "2");
  scene.append("b", "3");
  scene.append("b", std::nullopt);
  SimulatedStore::append(
      *scene.partition,
      Outgoing{.topic = "topic", .partition = 0, .key = {}, .value = "4", .headers = {}, .timestamp = now}, 0);

  scene.store.retain(now, [](const Partition&) { return Offset{0}; });

  CHECK(scene.offsets() == std::vector<Offset>{1, 4});
}

TEST_CASE("a flipped bit is noticed by the checksum and not without one") {
  StoreScene scene;
  const auto mine = scene.append("k", "value");
  const auto without_value = scene.append("k", std::nullopt);
  const auto foreign = SimulatedStore::append(
      *scene.partition,
      Outgoing{.topic = "topic", .partition = 0, .key = "k", .value = "value", .headers = {}, .timestamp = now}, 0,
      false);

  for (const auto offset : {mine, without_value, foreign}) SimulatedStore::flip_bit(*scene.partition, offset);

  CHECK(SimulatedStore::read_one(*scene.partition, mine)->damage() == "checksum");
  CHECK(SimulatedStore::read_one(*scene.partition, without_value)->is_poison());
  CHECK_FALSE(SimulatedStore::read_one(*scene.partition, foreign)->is_poison());
}

}  // namespace sluice::log
