// What is there after a stop, a crash, and in another process.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/async/scope.hpp"
#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

Task<> reopened_log_goes_on(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto before = co_await put(world, partition, numbered("a", 5));

  co_await soon_done(world, world.reopen());
  const auto after = co_await put(world, partition, numbered("b", 5));

  CHECK(after.front() > before.back());
  auto expected = numbered("a", 5);
  for (const auto& value : numbered("b", 5)) expected.push_back(value);
  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) == expected);
}

Task<> acknowledged_survives(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  for (int i = 0; i < 10; ++i) {
    co_await put(world, partition, std::vector<std::string>(1, fmt::format("r-{}", i)));
    if (i % 3 == 2) co_await soon_done(world, world.crash());
  }

  co_await soon_done(world, world.crash());

  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) == numbered("r", 10));
}

namespace {

Task<> append_pairs(LogWorld& world, Partition to, int writer, std::vector<std::string>& acknowledged) {
  for (int i = 0; i < 1000; ++i) {
    const std::vector<std::string> pair{fmt::format("{}-{}-a", writer, i), fmt::format("{}-{}-b", writer, i)};
    const auto stored = co_await world.log().append(records(to, pair));
    if (stored) acknowledged.insert(acknowledged.end(), pair.begin(), pair.end());
  }
}

Task<> until_acknowledged(LogWorld& world, const std::vector<std::string>& acknowledged, std::size_t count) {
  while (acknowledged.size() < count) co_await world.clock().sleep_for(std::chrono::microseconds{100});
}

}  // namespace

Task<> crash_in_the_middle(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<std::string> acknowledged;
  Scope writers{world.loop()};
  for (int writer = 0; writer < 5; ++writer) writers.start(append_pairs(world, partition, writer, acknowledged));
  const bool some = co_await within(world.clock(), world.clock().now() + world.patience(),
                                    until_acknowledged(world, acknowledged, 100));

  const auto promised = acknowledged;
  writers.cancel();
  co_await writers.join();
  co_await soon_done(world, world.crash());

  CHECK(some);
  const auto stored = values_of(co_await all_of(world, partition));
  for (const auto& value : promised) CHECK(std::ranges::count(stored, value) == 1);
  for (int writer = 0; writer < 5; ++writer) {  // what is there of each writer is a beginning of what it wrote
    std::vector<std::string> of_it;
    for (const auto& value : stored) {
      if (value.starts_with(fmt::format("{}-", writer))) of_it.push_back(value);
    }
    for (std::size_t i = 0; i < of_it.size(); ++i) {
      CHECK(of_it[i] == fmt::format("{}-{}-{}", writer, i / 2, i % 2 == 0 ? 'a' : 'b'));
    }
  }
}

Task<> commits_survive(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 8));
  const auto group = world.fresh_name("group");
  auto member = co_await Member::join(world, group, partition.topic);
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 8; });
  REQUIRE(delivered);
  const auto done = co_await member->commit(partition, offsets[5], "five");
  REQUIRE(done.has_value());
  member.reset();

  co_await soon_done(world, world.crash());

  member = co_await Member::join(world, group, partition.topic);
  const bool again = co_await until(world, *member, [&] { return member->end_of(partition) > offsets[7]; });
  REQUIRE(again);
  REQUIRE(member->held[partition].committed.has_value());
  CHECK(member->held[partition].committed->watermark == offsets[5]);
  CHECK(member->held[partition].committed->metadata == "five");
  CHECK(member->values(partition) == std::vector<std::string>{"r-5", "r-6", "r-7"});
}

namespace {

// None when it is not listed within the world's time for that.
Task<std::optional<TopicInfo>> listed_soon(LogWorld& world, std::string name) {
  const auto deadline = world.clock().now() + world.listed_within();
  while (true) {
    const auto all = co_await soon(world, world.log().topics());
    REQUIRE(all.has_value());
    const auto found = std::ranges::find_if(*all, [&](const auto& info) { return info.spec.name == name; });
    if (found != all->end()) co_return *found;
    if (world.clock().now() >= deadline) co_return std::nullopt;
    co_await world.clock().sleep_for(std::chrono::milliseconds{20});
  }
}

}  // namespace

Task<> topics_survive(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(7);

  co_await soon_done(world, world.crash());

  const auto found = co_await listed_soon(world, topic);
  REQUIRE(found.has_value());
  CHECK(found->spec.partitions == 7);
  co_await put(world, Partition{topic, 6}, {"r"});
}

Task<> processes_see_each_other(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto other = world.another();
  const auto first = co_await put(world, partition, numbered("mine", 3));

  const auto theirs = co_await soon(world, other->append(records(partition, numbered("theirs", 3))));
  REQUIRE(theirs.has_value());
  const auto seen = co_await soon(world, other->read(partition, 0, ReadLimits{}));

  CHECK(theirs->front() > first.back());
  REQUIRE(seen.has_value());
  CHECK(seen->size() == 6);
  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) ==
        std::vector<std::string>{"mine-0", "mine-1", "mine-2", "theirs-0", "theirs-1", "theirs-2"});
  co_await soon_done(world, other->close());
}

Task<> processes_share_a_group(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(4);
  const auto other = world.another();
  Subscription subscription{.group = world.fresh_name("group"), .topics = {}};
  subscription.topics.push_back(topic);
  auto here = co_await Member::join(world, world.log(), subscription);
  auto there = co_await Member::join(world, *other, subscription);
  const bool shared = co_await until(world, {here.get(), there.get()},
                                     [&] { return here->held.size() == 2 && there->held.size() == 2; });
  REQUIRE(shared);
  for (int number = 0; number < 4; ++number) co_await put(world, Partition{topic, number}, {"r"});
  const bool delivered =
      co_await until(world, {here.get(), there.get()}, [&] { return here->got.size() == 2 && there->got.size() == 2; });
  REQUIRE(delivered);

  there->consumer().close();
  const bool taken =
      co_await until(world, {here.get(), there.get()}, [&] { return there->closed && here->held.size() == 4; });

  CHECK(taken);
  there.reset();
  co_await soon_done(world, other->close());
}

Task<> processes_keep_commits_apart(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 3));
  auto other = world.another();
  Subscription subscription{.group = world.fresh_name("group"), .topics = {}};
  subscription.topics.push_back(partition.topic);
  subscription.revoke_wait_max = std::chrono::milliseconds{200};
  auto there = co_await Member::join(world, *other, subscription);
  there->releases = false;
  const bool assigned = co_await until(world, *there, [&] { return there->holds(partition); });
  REQUIRE(assigned);
  const auto epoch = there->held[partition].epoch;
  there->consumer().close();
  const bool revoking = co_await until(world, *there, [&] { return there->revoking.contains(partition); });
  REQUIRE(revoking);
  auto here = co_await Member::join(world, world.log(), subscription);
  const bool taken = co_await until(world, {here.get(), there.get()}, [&] { return here->holds(partition); });
  REQUIRE(taken);

  const auto mine = co_await here->commit(partition, offsets[1], "mine");
  std::vector<Commit> theirs;
  theirs.push_back(Commit{partition, epoch, offsets[2], "theirs"});
  const auto refused = co_await soon(world, there->consumer().commit(std::move(theirs)));

  CHECK(mine.has_value());
  CHECK(failed_as(refused, Kind::stale));
  const auto found = co_await committed_of(world, subscription.group, partition);
  REQUIRE(found.has_value());
  CHECK(found->metadata == "mine");
  there.reset();
  co_await soon_done(world, other->close());
}

}  // namespace sluice::conformance
