#include "common/log/simulated_group.hpp"

#include <algorithm>
#include <variant>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "tests/support/seed.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;
using News = std::vector<SimulatedGroup::News>;

const std::vector<std::string> topics{"main", "retry"};
constexpr std::chrono::milliseconds wait_max = 2s;
constexpr Instant start{};

struct GroupScene {
  explicit GroupScene(bool eager = false) : group({.eager = eager}, epochs) {}

  News join(MemberId member, std::int32_t partitions = 4) {
    return group.join(member, topics, partitions, wait_max, start);
  }

  Epoch epochs = 0;
  SimulatedGroup group;
};

template <class What>
std::vector<Partition> told(const News& news, MemberId member) {
  std::vector<Partition> partitions;
  for (const auto& each : news) {
    const auto* what = std::get_if<What>(&each.notice);
    if (what == nullptr || each.to != member) continue;
    if constexpr (std::is_same_v<What, Assigned>) {
      for (const auto& assignment : what->partitions) partitions.push_back(assignment.partition);
    } else {
      partitions.insert(partitions.end(), what->partitions.begin(), what->partitions.end());
    }
  }
  std::ranges::sort(partitions);
  return partitions;
}

std::map<Partition, Epoch> epochs_in(const News& news) {
  std::map<Partition, Epoch> epochs;
  for (const auto& each : news) {
    if (const auto* assigned = std::get_if<Assigned>(&each.notice)) {
      for (const auto& assignment : assigned->partitions) epochs[assignment.partition] = assignment.epoch;
    }
  }
  return epochs;
}

bool is_told_closed(const News& news, MemberId member) {
  return std::ranges::any_of(
      news, [&](const auto& each) { return each.to == member && std::holds_alternative<Closed>(each.notice); });
}

std::vector<Partition> both_topics(std::initializer_list<std::int32_t> numbers) {
  std::vector<Partition> partitions;
  for (const auto& topic : topics) {
    for (const auto number : numbers) partitions.push_back({topic, number});
  }
  return partitions;
}

// What `member` was assigned, with the epochs under which it would release it.
std::map<Partition, Epoch> release_of(const News& assigned, std::initializer_list<std::int32_t> numbers) {
  std::map<Partition, Epoch> released;
  const auto all = epochs_in(assigned);
  for (const auto& partition : both_topics(numbers)) released[partition] = all.at(partition);
  return released;
}

}  // namespace

TEST_CASE("the first member is assigned everything") {
  GroupScene scene;

  const auto news = scene.join(1);

  CHECK(told<Assigned>(news, 1) == both_topics({0, 1, 2, 3}));
  const auto epochs = epochs_in(news);
  CHECK(epochs.at({"main", 2}) == epochs.at({"retry", 2}));
  CHECK(epochs.at({"main", 2}) != epochs.at({"main", 3}));
}

TEST_CASE("an epoch is never given twice by groups that share the counter") {
  Epoch epochs = 0;
  SimulatedGroup one{{}, epochs};
  SimulatedGroup other{{}, epochs};

  const auto first = epochs_in(one.join(1, topics, 2, wait_max, start));
  const auto second = epochs_in(other.join(2, topics, 2, wait_max, start));

  CHECK(second.at({"main", 0}) > first.at({"main", 1}));
}

TEST_CASE("only what moves is revoked unless the group is eager") {
  GroupScene lazy;
  GroupScene eager{true};
  lazy.join(1);
  eager.join(1);

  CHECK(told<Revoking>(lazy.join(2), 1) == both_topics({2, 3}));
  CHECK(told<Revoking>(eager.join(2), 1) == both_topics({0, 1, 2, 3}));
}

TEST_CASE("a partition is given only after it was released in all topics") {
  GroupScene scene;
  const auto first = scene.join(1);
  CHECK(told<Assigned>(scene.join(2), 2).empty());
  auto released = release_of(first, {2, 3});
  const auto held_back = released.extract(Partition{"retry", 3});

  const auto not_yet = scene.group.release(1, released, start);
  const auto now = scene.group.release(1, {{held_back.key(), held_back.mapped()}}, start);

  CHECK(told<Assigned>(not_yet, 2).empty());
  CHECK(told<Assigned>(now, 2) == both_topics({2, 3}));
  CHECK(epochs_in(now).at({"main", 3}) > held_back.mapped());
}

TEST_CASE("a released partition has no holder and neither has one under an old epoch") {
  GroupScene scene;
  const auto first = scene.join(1);
  const auto epoch = epochs_in(first).at({"main", 2});
  scene.join(2);

  CHECK(scene.group.holder({"main", 2}, epoch) == 1);  // it may still commit
  CHECK_FALSE(scene.group.holder({"main", 2}, epoch + 1).has_value());
  scene.group.release(1, {{{"main", 2}, epoch}}, start);

  CHECK_FALSE(scene.group.holder({"main", 2}, epoch).has_value());
  CHECK(scene.group.holder({"retry", 2}, epoch) == 1);
  CHECK_FALSE(scene.group.holder({"absent", 2}, epoch).has_value());
  CHECK_FALSE(scene.group.holder({"main", 9}, epoch).has_value());
}

TEST_CASE("what is not released at the deadline is taken and told as lost") {
  GroupScene scene;
  const auto first = scene.join(1);
  scene.join(2);
  scene.group.release(1, {{{"main", 2}, epochs_in(first).at({"main", 2})}}, start);
  REQUIRE(scene.group.next_deadline() == start + wait_max);

  const auto early = scene.group.take_overdue(start + wait_max - 1ms);
  const auto late = scene.group.take_overdue(start + wait_max);
  const auto too_late = scene.group.release(1, release_of(first, {2, 3}), start + wait_max);

  CHECK(early.empty());
  CHECK(told<Lost>(late, 1) == std::vector<Partition>{{"main", 3}, {"retry", 2}, {"retry", 3}});
  CHECK(told<Assigned>(late, 2) == both_topics({2, 3}));
  CHECK(too_late.empty());
  CHECK_FALSE(scene.group.next_deadline().has_value());
}

TEST_CASE("a closing member is told revoking and then closed and the others take over") {
  GroupScene scene;
  const auto first = scene.join(1);
  scene.join(2);
  scene.group.release(1, release_of(first, {2, 3}), start);

  const auto closing = scene.group.close(1, start);
  const auto closed = scene.group.release(1, release_of(first, {0, 1}), start);

  CHECK(told<Revoking>(closing, 1) == both_topics({0, 1}));
  CHECK_FALSE(is_told_closed(closing, 1));
  CHECK(is_told_closed(closed, 1));
  CHECK(told<Assigned>(closed, 2) == both_topics({0, 1}));
  CHECK_FALSE(scene.group.has(1));
}

TEST_CASE("a member without a partition closes at once") {
  GroupScene scene;
  scene.join(1, 1);
  scene.join(2, 1);

  CHECK(is_told_closed(scene.group.close(2, start), 2));
  CHECK(scene.group.close(2, start).empty());
}

TEST_CASE("an expelled member is told lost and its partitions go at once") {
  GroupScene scene;
  const auto first = scene.join(1);
  scene.join(2);

  const auto news = scene.group.expel(1, start);

  REQUIRE_FALSE(news.empty());
  CHECK(news.front().expelled);
  CHECK(told<Lost>(news, 1) == both_topics({0, 1, 2, 3}));
  CHECK(told<Assigned>(news, 2) == both_topics({0, 1, 2, 3}));
  CHECK_FALSE(scene.group.holder({"main", 0}, epochs_in(first).at({"main", 0})).has_value());
  CHECK(scene.group.expel(1, start).empty());
}

TEST_CASE("a rebalance without need gives everything back under higher epochs") {
  GroupScene scene;
  const auto first = scene.join(1);

  const auto revoking = scene.group.rebalance(start);
  const auto again = scene.group.release(1, release_of(first, {0, 1, 2, 3}), start);

  CHECK(told<Revoking>(revoking, 1) == both_topics({0, 1, 2, 3}));
  CHECK(told<Assigned>(again, 1) == both_topics({0, 1, 2, 3}));
  CHECK(epochs_in(again).at({"main", 0}) > epochs_in(first).at({"main", 3}));
}

TEST_CASE("what was committed comes with the next assignment and says what is needed") {
  GroupScene scene;
  const auto epoch = epochs_in(scene.join(1)).at({"main", 0});

  scene.group.store({{"main", 0}, epoch, 17, "notes"});
  scene.group.leave(1, start);
  const auto news = scene.join(2);

  const auto& assigned = std::get<Assigned>(news.front().notice).partitions;
  const auto main = std::ranges::find(assigned, Partition{"main", 0}, &Assignment::partition);
  REQUIRE(main != assigned.end());
  REQUIRE(main->committed.has_value());
  CHECK(main->committed->watermark == 17);
  CHECK(main->committed->metadata == "notes");
  CHECK(scene.group.needs({"main", 0}) == 17);
  CHECK(scene.group.needs({"main", 1}) == 0);
  CHECK_FALSE(scene.group.needs({"absent", 0}).has_value());
}

TEST_CASE("a group takes members with other topics only while it is empty") {
  GroupScene scene;
  scene.join(1);

  CHECK(scene.group.takes(topics));
  CHECK_FALSE(scene.group.takes({"main"}));
  scene.group.leave(1, start);
  CHECK(scene.group.takes({"main"}));
}

TEST_CASE("however members come and go nobody holds what another one holds and epochs rise") {
  SeededRandom random{test_seed()};
  for (int round = 0; round < 200; ++round) {
    GroupScene scene{random.one_in(2)};
    std::map<Partition, Epoch> newest;
    std::map<MemberId, std::map<Partition, Epoch>> held;
    Instant now = start;
    auto hear = [&](const News& news) {
      for (const auto& each : news) {
        if (const auto* lost = std::get_if<Lost>(&each.notice)) {
          for (const auto& partition : lost->partitions) held[each.to].erase(partition);
        }
        const auto* assigned = std::get_if<Assigned>(&each.notice);
        if (assigned == nullptr) continue;
        for (const auto& assignment : assigned->partitions) {
          CHECK(assignment.epoch > newest[assignment.partition]);
          newest[assignment.partition] = assignment.epoch;
          for (const auto& [member, partitions] : held) CHECK_FALSE(partitions.contains(assignment.partition));
          held[each.to][assignment.partition] = assignment.epoch;
        }
      }
    };
    for (MemberId member = 1; member <= 30; ++member) {
      now += 500ms;
      if (random.one_in(2)) hear(scene.group.join(member, topics, 5, wait_max, now));
      const auto members = scene.group.members();
      if (!members.empty()) {
        const auto chosen = members[random.below(members.size())];
        const auto what = random.below(5);
        if (what == 0) {
          held.erase(chosen);
          hear(scene.group.leave(chosen, now));
        }
        if (what == 1) hear(scene.group.expel(chosen, now));
        if (what == 2) hear(scene.group.close(chosen, now));
        if (what == 3) hear(scene.group.release(chosen, std::exchange(held[chosen], {}), now));
      }
      hear(scene.group.take_overdue(now));
    }
    now += 1h;
    hear(scene.group.take_overdue(now));
    std::size_t in_hand = 0;
    for (const auto& [member, partitions] : held) in_hand += partitions.size();
    CHECK(in_hand <= 10);
  }
}

}  // namespace sluice::log
