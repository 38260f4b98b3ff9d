// What a member of a group is told when offsets, sessions, owners or other members are not as they should be.
#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/log/kafka_scene.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(fmt::format("r-{}", i));
  return all;
}

void append_numbered(KafkaScene& scene, const Partition& partition, int from, int until) {
  std::vector<Outgoing> records;
  for (auto& value : numbered(from, until)) records.push_back(to(partition, std::move(value)));
  const auto stored = scene.run(scene.log->append(std::move(records)));
  if (!stored) FAIL("append: ", stored.error().sentence);
}

Done commit(KafkaScene& scene, Listener& listener, Offset watermark, std::string metadata = {}) {
  const auto& [partition, epoch, committed] = listener.assigned.back();
  std::vector<Commit> commits;
  commits.push_back({partition, epoch, watermark, std::move(metadata)});
  return scene.run(listener.consumer->commit(std::move(commits)));
}

void leave(KafkaScene& scene, Listener& listener) {
  listener.consumer->close();
  CHECK(scene.until([&] { return listener.closed; }));
}

// A listener on the only partition of a topic, once it is assigned.
std::unique_ptr<Listener> join(KafkaScene& scene, Log& log, const std::string& group, const Partition& partition) {
  auto listener = subscribe(scene, log, group, {partition.topic});
  start(scene, *listener);
  REQUIRE(scene.until([&] { return !listener->assigned.empty(); }));
  return listener;
}

}  // namespace

TEST_CASE("a watermark above the end is told as a new beginning with an alarm") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, partition, 0, 3);
  scene.cluster.commit_foreign(group, partition, {100, "P1"});

  const auto listener = join(scene, *scene.log, group, partition);
  const bool again = scene.until([&] { return listener->records.size() == 3; });

  REQUIRE(again);
  REQUIRE(listener->assigned.size() == 2);
  CHECK(listener->assigned[0].committed->watermark == 100);
  CHECK_FALSE(listener->assigned[1].committed.has_value());
  CHECK(listener->lost == std::vector<Partition>{partition});
  CHECK(listener->values() == numbered(0, 3));
  for (const auto& got : listener->records) CHECK(got.epoch == listener->assigned[1].epoch);
  CHECK(scene.heard("truncated or made anew"));
  CHECK(commit(scene, *listener, 3).has_value());
  leave(scene, *listener);
}

TEST_CASE("with a partition that begins anew the others of its number are assigned again where they stood") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition cut_off{scene.fresh_topic(1), 0};
  const Partition whole{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, cut_off, 0, 3);
  append_numbered(scene, whole, 10, 15);
  scene.cluster.commit_foreign(group, cut_off, {100, "P1"});
  scene.cluster.commit_foreign(group, whole, {2, "ours"});

  const auto listener = subscribe(scene, *scene.log, group, {cut_off.topic, whole.topic});
  start(scene, *listener);
  std::map<Partition, std::vector<Offset>> told;  // under what they were assigned last
  const bool again = scene.until([&] {
    told.clear();
    for (const auto& got : listener->records) {
      for (std::size_t i = 2; i < listener->assigned.size(); ++i) {
        if (listener->assigned[i].epoch == got.epoch) told[got.partition].push_back(got.record.offset());
      }
    }
    return told[cut_off].size() == 3 && told[whole].size() == 3;
  });

  REQUIRE(again);
  CHECK(told[cut_off] == std::vector<Offset>{0, 1, 2});
  CHECK(told[whole] == std::vector<Offset>{2, 3, 4});
  CHECK(std::set(listener->lost.begin(), listener->lost.end()) == std::set{cut_off, whole});
  REQUIRE(listener->assigned.size() == 4);
  for (const auto& assignment : std::span{listener->assigned}.subspan(2)) {
    if (assignment.partition == cut_off) CHECK_FALSE(assignment.committed.has_value());
    if (assignment.partition == whole) CHECK(assignment.committed->metadata == "ours");
  }
  leave(scene, *listener);
}

TEST_CASE("a watermark that age has overtaken goes on at the oldest record with an alarm") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, partition, 0, 10);
  scene.cluster.commit_foreign(group, partition, {2, ""});
  scene.cluster.remove_before(partition, 6);

  const auto listener = join(scene, *scene.log, group, partition);
  const bool delivered = scene.until([&] { return listener->records.size() == 4; });

  CHECK(delivered);
  CHECK(listener->values() == numbered(6, 10));
  CHECK(listener->assigned.size() == 1);
  CHECK(scene.heard("offset reset"));
  const auto page = scene.run(scene.log->read(partition, 2, {}));
  REQUIRE(page.has_value());
  CHECK(page->size() == 4);  // the first at or above what was asked for
  leave(scene, *listener);
}

TEST_CASE("foreign metadata is handed over as it is") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, partition, 0, 3);
  const std::string foreign = "\x01 Größe";
  scene.cluster.commit_foreign(group, partition, {2, foreign});

  const auto listener = join(scene, *scene.log, group, partition);
  const auto found = scene.run(scene.log->committed(group, partition));

  CHECK(listener->assigned[0].committed->metadata == foreign);
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  CHECK((*found)->metadata == foreign);
  leave(scene, *listener);
}

TEST_CASE("commits of many tasks at once are stored in the order in which they were asked for") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  const auto listener = join(scene, *scene.log, group, partition);
  const auto epoch = listener->assigned[0].epoch;
  const auto commit_one = [](Consumer& consumer, Commit one, int& stored) -> Task<> {
    std::vector<Commit> commits;
    commits.push_back(std::move(one));
    const auto done = co_await consumer.commit(std::move(commits));
    if (done) ++stored;
  };
  int stored = 0;
  Scope scope{scene.loop};

  for (int i = 1; i <= 200; ++i) {
    scope.start(commit_one(*listener->consumer, {partition, epoch, i, fmt::format("m-{}", i)}, stored));
  }
  scene.run(scope.join());

  CHECK(stored == 200);
  const auto found = scene.run(scene.log->committed(group, partition));
  REQUIRE(found.has_value());
  CHECK((*found)->watermark == 200);
  CHECK((*found)->metadata == "m-200");
  leave(scene, *listener);
}

TEST_CASE("full metadata of many partitions is stored in one commit") {
  KafkaScene scene{KafkaCluster::single()};
  const auto topic = scene.fresh_topic(32);
  const auto group = unique_name("group");
  const auto listener = join(scene, *scene.log, group, {topic, 0});
  REQUIRE(listener->assigned.size() == 32);
  const auto metadata_of = [](const Partition& partition) {
    return std::string(metadata_bytes_max, static_cast<char>('!' + partition.number));
  };
  std::vector<Commit> commits;
  for (const auto& [partition, epoch, committed] : listener->assigned) {
    commits.push_back({partition, epoch, partition.number, metadata_of(partition)});
  }

  const auto done = scene.run(listener->consumer->commit(std::move(commits)));

  CHECK(done.has_value());
  leave(scene, *listener);
  const auto again = join(scene, *scene.log, group, {topic, 0});
  for (const auto& [partition, epoch, committed] : again->assigned) {
    REQUIRE(committed.has_value());
    CHECK(committed->watermark == partition.number);
    CHECK((committed->metadata == metadata_of(partition)));
  }
  leave(scene, *again);
}

TEST_CASE("an owner who asks for nothing gives up its partitions and learns it when it comes back") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, partition, 0, 5);
  auto settings = scene.settings();
  settings.unattended_max = 300ms;
  const auto log = scene.open(std::move(settings));
  const auto hung = subscribe(scene, *log, group, {partition.topic});

  REQUIRE(scene.until([&] { return scene.heard("gave up its partitions"); }));
  const auto other = join(scene, *scene.log, group, partition);
  const bool taken = scene.until([&] { return other->records.size() == 5; });

  CHECK(taken);
  start(scene, *hung);
  REQUIRE(scene.until([&] { return hung->broken.has_value(); }));
  CHECK(hung->lost == std::vector<Partition>{partition});
  CHECK(hung->broken->kind == Kind::timed_out);
  leave(scene, *hung);
  leave(scene, *other);
}

TEST_CASE("a session that ends while the broker is silent is told as lost and its commits are stale") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, partition, 0, 3);
  auto settings = scene.settings();
  settings.session_wait_max = 1'000ms;
  const auto log = scene.open(std::move(settings));
  const auto listener = join(scene, *log, group, partition);
  REQUIRE(scene.until([&] { return listener->records.size() == 3; }));
  const auto first = listener->assigned[0];

  scene.cluster.node("pause-node", 1);
  const bool lost = scene.until([&] { return !listener->lost.empty(); });
  scene.cluster.node("resume-node", 1);

  REQUIRE(lost);
  CHECK(listener->revoked.empty());
  const auto late = commit(scene, *listener, 3);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == Kind::stale);
  CHECK(scene.until([&] { return listener->assigned.size() == 2; }));
  CHECK(listener->assigned[1].epoch > first.epoch);
  CHECK(scene.until([&] { return listener->records.size() == 6; }));  // nothing was committed
  leave(scene, *listener);
}

TEST_CASE("two processes in one slot are one too many and the older one is broken") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  auto settings = scene.settings();
  settings.instance = "slot-1";
  const auto first_log = scene.open(settings);
  const auto second_log = scene.open(settings);
  const auto first = join(scene, *first_log, group, partition);

  const auto second = join(scene, *second_log, group, partition);

  REQUIRE(scene.until([&] { return first->broken.has_value(); }));
  CHECK(first->broken->kind == Kind::conflict);
  CHECK(first->lost == std::vector<Partition>{partition});
  leave(scene, *first);
  append_numbered(scene, partition, 0, 3);
  CHECK(scene.until([&] { return second->records.size() == 3; }));
  leave(scene, *second);
}

TEST_CASE("a member in a slot comes back without anybody noticing") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  append_numbered(scene, partition, 0, 4);
  auto settings = scene.settings();
  settings.instance = "slot-1";
  auto log = scene.open(settings);
  {
    const auto before = join(scene, *log, group, partition);
    REQUIRE(scene.until([&] { return before->records.size() == 4; }));
    REQUIRE(commit(scene, *before, 2).has_value());
    leave(scene, *before);
  }
  log = scene.open(settings);

  const auto begun = scene.clock.now();
  const auto after = join(scene, *log, group, partition);
  const bool delivered = scene.until([&] { return after->records.size() == 2; });

  CHECK(delivered);
  CHECK(scene.clock.now() - begun < scene.settings().session_wait_max);
  CHECK(after->values() == numbered(2, 4));
  leave(scene, *after);
}

TEST_CASE("closing a log lets its consumers finish and leave") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  const auto log = scene.open(scene.settings());
  const auto listener = join(scene, *log, group, partition);

  scene.run(log->close());

  CHECK(listener->revoked == std::vector<Partition>{partition});
  CHECK(scene.until([&] { return listener->closed; }));
  const auto begun = scene.clock.now();
  const auto next = join(scene, *scene.log, group, partition);
  CHECK(scene.clock.now() - begun < scene.settings().session_wait_max);  // nobody had to wait for a time-out
  leave(scene, *next);
}

TEST_CASE("a consumer may outlive its log") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto log = scene.open(scene.settings());
  const auto listener = join(scene, *log, unique_name("group"), partition);

  log.reset();

  CHECK(scene.until([&] { return listener->closed; }));
  CHECK(listener->lost == std::vector<Partition>{partition});
  const auto late = commit(scene, *listener, 1);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == Kind::stale);
}

TEST_CASE("a log that is dropped while its consumer leaves is gone at once") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  for (int pause_us = 0; pause_us < 3'000; pause_us += 100) {
    auto log = scene.open(scene.settings());
    const auto listener = join(scene, *log, unique_name("group"), partition);
    listener->consumer->close();
    std::this_thread::sleep_for(std::chrono::microseconds{pause_us});  // the member's thread leaves meanwhile

    const auto begun = scene.clock.now();
    log.reset();

    CHECK(scene.clock.now() - begun < 2s);
    CHECK(scene.until([&] { return listener->closed; }));
  }
}

TEST_CASE("a log that is dropped while its consumer leaves a silent broker is gone in time") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto log = scene.open(scene.settings());
  const auto listener = join(scene, *log, unique_name("group"), partition);
  scene.cluster.node("pause-node", 1);
  listener->consumer->close();
  const bool leaves = scene.until([&] { return !listener->revoked.empty(); });

  const auto begun = scene.clock.now();
  log.reset();
  const auto took = scene.clock.now() - begun;
  scene.cluster.node("resume-node", 1);

  CHECK(leaves);
  CHECK(took < 20s);
  CHECK(scene.until([&] { return listener->closed; }));
}

TEST_CASE("a watermark is told when the broker that was silent comes back") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto group = unique_name("group");
  const auto member = join(scene, *scene.log, group, partition);
  REQUIRE(commit(scene, *member, 1, "one").has_value());
  leave(scene, *member);
  auto settings = scene.settings();
  settings.request_wait_max = 1'000ms;
  const auto log = scene.open(std::move(settings));

  scene.cluster.node("pause-node", 1);
  const auto in_vain = scene.run(log->committed(group, partition));
  scene.cluster.node("resume-node", 1);

  REQUIRE_FALSE(in_vain.has_value());
  CHECK(in_vain.error().kind == Kind::unavailable);
  std::optional<Committed> found;
  const bool told = scene.until([&] {
    const auto answer = scene.run(log->committed(group, partition));
    if (answer) found = *answer;
    return answer.has_value();
  });
  CHECK(told);
  REQUIRE(found.has_value());
  CHECK(found->watermark == 1);
  CHECK(found->metadata == "one");
}

TEST_CASE("members that come and go under load miss nothing and keep the order") {
  KafkaScene scene{KafkaCluster::single()};
  const auto topic = scene.fresh_topic(4);
  const auto group = unique_name("group");
  constexpr int rounds = 6;
  constexpr int records_of_round = 50;
  std::vector<std::unique_ptr<Listener>> members;

  for (int round = 0; round < rounds; ++round) {
    auto& joining = *members.emplace_back(subscribe(scene, *scene.log, group, {topic}));
    joining.commits = true;
    start(scene, joining);
    for (int number = 0; number < 4; ++number) {
      append_numbered(scene, {topic, number}, round * records_of_round, (round + 1) * records_of_round);
    }
    if (round >= 2) leave(scene, *members[static_cast<std::size_t>(round - 2)]);
  }
  std::map<Partition, std::map<Epoch, std::vector<Offset>>> told;
  const auto complete = [&] {
    told.clear();
    for (const auto& member : members) {
      for (const auto& got : member->records) told[got.partition][got.epoch].push_back(got.record.offset());
    }
    return told.size() == 4 && std::ranges::all_of(told, [](const auto& of_partition) {
             return std::ranges::any_of(of_partition.second, [](const auto& of_epoch) {
               return of_epoch.second.back() == rounds * records_of_round - 1;
             });
           });
  };

  CHECK(scene.until(complete));
  for (const auto& [partition, epochs] : told) {
    Offset next = 0;  // the owners one after the other leave no gap, and each keeps the order
    for (const auto& [epoch, offsets] : epochs) {
      CHECK(offsets.front() <= next);
      CHECK(std::ranges::adjacent_find(offsets, [](Offset a, Offset b) { return b != a + 1; }) == offsets.end());
      next = std::max(next, offsets.back() + 1);
    }
  }
  for (std::size_t i = rounds - 2; i < rounds; ++i) leave(scene, *members[i]);
}

}  // namespace sluice::log
