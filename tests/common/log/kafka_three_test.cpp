// Three nodes of which some die: nothing that was acknowledged is lost, and everybody goes on.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/log/kafka_scene.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

std::vector<Asked> numbered(std::string_view what, int count) {
  std::vector<Asked> all;
  for (int i = 0; i < count; ++i) all.push_back({fmt::format("{}-{}", what, i), {}});
  return all;
}

// Whole again at the end, whatever the test did to it.
struct Healed {
  const KafkaCluster& cluster;
  ~Healed() { cluster.heal(); }
};

// One after the other, as long as `go_on`; at most one at a time, so that each answer says something about the moment.
Task<> keep_asking(KafkaScene& scene, Log& log, Partition partition, std::vector<Asked>& all, const bool& go_on) {
  while (go_on) {
    all.push_back({fmt::format("stream-{}", all.size()), {}});
    co_await ask(scene, log, partition, all.back());
    if (!*all.back().answer) co_await scene.clock.sleep_for(20ms);
  }
}

std::size_t acknowledged(const std::vector<Asked>& all) {
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [](const Asked& asked) { return asked.answer && asked.answer->has_value(); }));
}

bool append_goes(KafkaScene& scene, const Partition& partition) {
  std::vector<Outgoing> one;
  one.push_back(to(partition, "probe"));
  return scene.run(scene.log->append(std::move(one))).has_value();
}

std::unique_ptr<Listener> join(KafkaScene& scene, const std::string& group, const std::string& topic) {
  auto listener = subscribe(scene, *scene.log, group, {topic});
  start(scene, *listener);
  REQUIRE(scene.until([&] { return !listener->assigned.empty(); }));
  return listener;
}

void leave(KafkaScene& scene, Listener& listener) {
  listener.consumer->close();
  CHECK(scene.until([&] { return listener.closed; }));
}

std::optional<TopicInfo> listed(KafkaScene& scene, const std::string& topic) {
  const auto topics = scene.run(scene.log->topics());
  if (!topics) FAIL("topics: ", topics.error().sentence);
  const auto found = std::ranges::find(*topics, topic, [](const TopicInfo& each) { return each.spec.name; });
  return found == topics->end() ? std::nullopt : std::optional{*found};
}

}  // namespace

TEST_CASE("a stream of appends outlives the death of the leader and its reader misses nothing") {
  KafkaScene scene{KafkaCluster::three()};
  const Healed healed{scene.cluster};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto reader = join(scene, unique_name("group"), partition.topic);
  std::vector<Asked> all;
  all.reserve(1'000'000);  // its elements stay where they are
  bool go_on = true;
  Scope scope{scene.loop};
  scope.start(keep_asking(scene, *scene.log, partition, all, go_on));
  CHECK(scene.until([&] { return acknowledged(all) >= 100; }));

  scene.cluster.node("kill-node", scene.cluster.leader_of(partition));
  const auto before = acknowledged(all);
  const bool went_on = scene.until([&] { return acknowledged(all) >= before + 100; }, 60s);
  go_on = false;  // NOLINT(clang-analyzer-deadcode.DeadStores): the coroutine reads it
  scene.run(scope.join());

  CHECK(went_on);
  const auto stored = check_agreement(scene, partition, all);
  CHECK(stored >= before + 100);
  // The node that died may have been the group's coordinator too: then a new assignment begins again at the start.
  const auto there = all_of(scene, partition);
  std::set<Offset> told;
  CHECK(scene.until([&] {
    for (const auto& got : reader->records) told.insert(got.record.offset());
    return told.size() >= there.size();
  }));
  REQUIRE(told.size() == there.size());
  for (const auto& record : there) CHECK(told.contains(record.offset()));
  std::map<Epoch, Offset> last;
  for (const auto& got : reader->records) {
    const auto [known, first] = last.try_emplace(got.epoch, got.record.offset());
    if (!first) CHECK(got.record.offset() > std::exchange(known->second, got.record.offset()));
  }
  leave(scene, *reader);
}

TEST_CASE("with one node of three nothing is acknowledged and nothing that was is lost") {
  KafkaScene scene{KafkaCluster::three()};
  const Healed healed{scene.cluster};
  const Partition partition{scene.fresh_topic(1), 0};
  auto settings = scene.settings();
  settings.append_wait_max = 3'000ms;
  const auto log = scene.open(std::move(settings));
  auto all = numbered("before", 50);
  Scope scope{scene.loop};
  ask_all(scene, scope, *log, partition, all);
  scene.run(scope.join());
  CHECK(acknowledged(all) == 50);
  const int leader = scene.cluster.leader_of(partition);

  for (int node = 1; node <= 3; ++node) {
    if (node != leader) scene.cluster.node("kill-node", node);
  }
  auto during = numbered("during", 20);
  ask_all(scene, scope, *log, partition, during);
  scene.run(scope.join());
  scene.cluster.heal();
  CHECK(scene.until([&] { return append_goes(scene, partition); }, 60s));
  auto after = numbered("after", 20);
  ask_all(scene, scope, *scene.log, partition, after);
  scene.run(scope.join());

  for (const auto& asked : during) {
    REQUIRE_FALSE(asked.answer->has_value());
    const auto kind = asked.answer->error().kind;
    CHECK((kind == Kind::unavailable || kind == Kind::maybe_done));
    CHECK(asked.took <= 3'500ms);
  }
  CHECK(acknowledged(after) == 20);
  std::ranges::move(during, std::back_inserter(all));
  std::ranges::move(after, std::back_inserter(all));
  CHECK(check_agreement(scene, partition, all) == 70);
}

TEST_CASE("a group goes on when its coordinator dies") {
  KafkaScene scene{KafkaCluster::three()};
  const Healed healed{scene.cluster};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  const auto listener = join(scene, group, partition.topic);
  CHECK(append_goes(scene, partition));
  REQUIRE(scene.until([&] { return listener->records.size() == 1; }));

  scene.cluster.node("kill-node", scene.cluster.coordinator_of(group));
  CHECK(scene.until([&] { return append_goes(scene, partition); }, 60s));
  const auto there = all_of(scene, partition);
  const auto newest = there.back().offset();
  const bool delivered = scene.until(
      [&] { return !listener->records.empty() && listener->records.back().record.offset() == newest; }, 60s);
  const auto commit = [&] {
    std::vector<Commit> commits;
    commits.push_back({partition, listener->assigned.back().epoch, newest + 1, "moved"});
    return scene.run(listener->consumer->commit(std::move(commits))).has_value();
  };
  const bool stored = scene.until(commit, 60s);

  CHECK(delivered);
  CHECK(stored);
  const auto found = scene.run(scene.log->committed(group, partition));
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  CHECK((*found)->watermark == newest + 1);
  CHECK((*found)->metadata == "moved");
  leave(scene, *listener);
}

TEST_CASE("topics of a large cluster have three copies of which two acknowledge") {
  KafkaScene scene{KafkaCluster::three()};
  const auto topic = scene.fresh_topic(3);

  const auto info = listed(scene, topic);

  REQUIRE(info.has_value());
  CHECK(info->replicas == 3);
  CHECK(scene.cluster.config_of(topic, "min.insync.replicas") == "2");
  CHECK(scene.cluster.config_of(topic, "max.message.bytes") == "4194304");
}

// The listing asks one broker and the settings another, and brokers learn of a topic one after the other.
TEST_CASE("a topic that was created is listed with its settings at once, whichever brokers are asked") {
  KafkaScene scene{KafkaCluster::three()};
  for (int round = 0; round < 40; ++round) {
    const auto topic = unique_name("compacted");
    const auto created =
        scene.run(scene.log->create_topics({TopicSpec{.name = topic, .partitions = 2, .compacted = true}}));
    REQUIRE(created.has_value());

    const auto info = listed(scene, topic);

    REQUIRE(info.has_value());
    CHECK(info->spec.partitions == 2);
    CHECK(info->spec.compacted);
  }
}

}  // namespace sluice::log
