// Several members of one group: who has which partition, and how it passes from one to the other.
#include <set>
#include <utility>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

namespace {

using namespace std::chrono_literals;

// Everything of `topic` is held, each partition by exactly one of the two.
bool all_held(const Member& one, const Member& two, const std::string& topic, int partitions) {
  for (int number = 0; number < partitions; ++number) {
    const Partition partition{topic, number};
    if (one.holds(partition) == two.holds(partition)) return false;
  }
  return true;
}

bool both_hold(const Member& one, const Member& two) {
  return !one.held.empty() && !two.held.empty();
}

}  // namespace

Task<> members_share(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(6);
  const auto group = world.fresh_name("group");
  auto one = co_await Member::join(world, group, topic);
  auto two = co_await Member::join(world, group, topic);

  const bool shared = co_await until(world, {one.get(), two.get()},
                                     [&] { return all_held(*one, *two, topic, 6) && both_hold(*one, *two); });
  REQUIRE(shared);
  CHECK(one->held.size() == 3);
  CHECK(two->held.size() == 3);
  for (int number = 0; number < 6; ++number) co_await put(world, Partition{topic, number}, {"r"});
  const bool delivered =
      co_await until(world, {one.get(), two.get()}, [&] { return one->got.size() + two->got.size() == 6; });

  CHECK(delivered);
  for (int number = 0; number < 6; ++number) {
    const Partition partition{topic, number};
    CHECK(one->values(partition).size() == (one->holds(partition) ? 1 : 0));
    CHECK(two->values(partition).size() == (two->holds(partition) ? 1 : 0));
  }
}

Task<> partitions_stay_together(LogWorld& world) {
  const auto main = co_await world.fresh_topic(5);
  const auto retry = co_await world.fresh_topic(5);
  Subscription subscription{.group = world.fresh_name("group"), .topics = {main, retry}};
  auto one = co_await Member::join(world, world.log(), subscription);
  auto two = co_await Member::join(world, world.log(), subscription);

  const bool shared = co_await until(world, {one.get(), two.get()}, [&] {
    return all_held(*one, *two, main, 5) && all_held(*one, *two, retry, 5) && both_hold(*one, *two);
  });

  REQUIRE(shared);
  for (int number = 0; number < 5; ++number) {
    CHECK(one->holds(Partition{main, number}) == one->holds(Partition{retry, number}));
  }
}

Task<> joining_hands_over(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const auto group = world.fresh_name("group");
  auto one = co_await Member::join(world, group, topic);
  const bool alone = co_await until(world, *one, [&] { return one->held.size() == 2; });
  REQUIRE(alone);
  const auto before = one->held;

  auto two = co_await Member::join(world, group, topic);
  const bool shared = co_await until(world, {one.get(), two.get()},
                                     [&] { return all_held(*one, *two, topic, 2) && both_hold(*one, *two); });

  REQUIRE(shared);
  CHECK(one->lost.empty());
  for (const auto& [partition, held] : two->held) {
    CHECK(one->ever_revoked.contains(partition));
    CHECK(held.epoch > before.at(partition).epoch);
  }
}

Task<> moved_records_go_on(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const auto group = world.fresh_name("group");
  std::map<Partition, std::vector<Offset>> offsets;
  for (int number = 0; number < 2; ++number) {
    offsets[Partition{topic, number}] = co_await put(world, Partition{topic, number}, numbered("r", 10));
  }
  auto one = co_await Member::join(world, group, topic);
  const bool delivered = co_await until(world, *one, [&] { return one->got.size() == 20; });
  REQUIRE(delivered);
  for (const auto& [partition, of_it] : offsets) {
    const auto done = co_await one->commit(partition, of_it[7], "seven");
    REQUIRE(done.has_value());
  }

  auto two = co_await Member::join(world, group, topic);
  const bool moved = co_await until(world, {one.get(), two.get()}, [&] {
    return all_held(*one, *two, topic, 2) && two->held.size() == 1 && two->got.size() >= 3;
  });

  REQUIRE(moved);
  const auto partition = two->held.begin()->first;
  REQUIRE(two->held[partition].committed.has_value());
  CHECK(two->held[partition].committed->watermark == offsets[partition][7]);
  CHECK(two->held[partition].committed->metadata == "seven");
  CHECK(two->values(partition) == std::vector<std::string>{"r-7", "r-8", "r-9"});
}

Task<> closing_hands_over(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(4);
  const auto group = world.fresh_name("group");
  auto one = co_await Member::join(world, group, topic);
  auto two = co_await Member::join(world, group, topic);
  const bool shared = co_await until(world, {one.get(), two.get()},
                                     [&] { return all_held(*one, *two, topic, 4) && both_hold(*one, *two); });
  REQUIRE(shared);
  const auto mine = one->held;

  one->consumer().close();
  const bool taken =
      co_await until(world, {one.get(), two.get()}, [&] { return one->closed && two->held.size() == 4; });

  REQUIRE(taken);
  CHECK(one->lost.empty());
  for (const auto& [partition, held] : mine) {
    CHECK(one->ever_revoked.contains(partition));
    CHECK(two->held[partition].epoch > held.epoch);
  }
}

Task<> silence_is_overruled(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const auto group = world.fresh_name("group");
  Subscription subscription{.group = group, .topics = {}, .revoke_wait_max = 200ms};
  subscription.topics.push_back(topic);
  auto silent = co_await Member::join(world, world.log(), subscription);
  silent->releases = false;
  const bool alone = co_await until(world, *silent, [&] { return silent->held.size() == 2; });
  REQUIRE(alone);
  const auto before = silent->held;

  auto next = co_await Member::join(world, world.log(), subscription);
  const bool taken =
      co_await until(world, {silent.get(), next.get()}, [&] { return !silent->lost.empty() && !next->held.empty(); });

  REQUIRE(taken);
  const auto partition = next->held.begin()->first;
  CHECK(silent->ever_revoked.contains(partition));
  CHECK(silent->lost.contains(partition));
  std::vector<Commit> late;
  late.push_back(Commit{partition, before.at(partition).epoch, 1, "late"});
  const auto refused = co_await soon(world, silent->consumer().commit(std::move(late)));
  CHECK(failed_as(refused, Kind::stale));
  const auto found = co_await committed_of(world, group, partition);
  CHECK_FALSE(found.has_value());
}

Task<> more_members_than_partitions(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto group = world.fresh_name("group");
  auto one = co_await Member::join(world, group, partition.topic);
  auto two = co_await Member::join(world, group, partition.topic);
  const bool settled =
      co_await until(world, {one.get(), two.get()}, [&] { return one->holds(partition) != two->holds(partition); });
  REQUIRE(settled);
  co_await put(world, partition, {"r"});
  const bool delivered =
      co_await until(world, {one.get(), two.get()}, [&] { return one->got.size() + two->got.size() == 1; });
  REQUIRE(delivered);
  auto& owner = one->holds(partition) ? one : two;
  auto& other = one->holds(partition) ? two : one;

  owner->consumer().close();
  const bool taken =
      co_await until(world, {one.get(), two.get()}, [&] { return owner->closed && other->holds(partition); });

  REQUIRE(taken);
  const bool again = co_await until(world, *other, [&] { return other->got.size() == 1; });
  CHECK(again);  // nothing was committed
}

Task<> vanished_members(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const auto group = world.fresh_name("group");
  auto one = co_await Member::join(world, group, topic);
  auto two = co_await Member::join(world, group, topic);
  const bool shared = co_await until(world, {one.get(), two.get()},
                                     [&] { return all_held(*one, *two, topic, 2) && both_hold(*one, *two); });
  REQUIRE(shared);

  one.reset();
  const bool taken = co_await until(world, *two, [&] { return two->held.size() == 2; });

  CHECK(taken);
}

}  // namespace sluice::conformance
