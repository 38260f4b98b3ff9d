// Pausing is exact: nothing after pause() returns, nothing lost or doubled after resume().
#include <fmt/format.h>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

Task<> paused_means_silent(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const Partition quiet{topic, 0};
  const Partition flowing{topic, 1};
  auto member = co_await Member::join(world, world.fresh_name("group"), topic);
  const bool ready = co_await until(world, *member, [&] { return member->ends.size() == 2; });
  REQUIRE(ready);

  member->pause(quiet);  // from now on the member fails on any record of it
  co_await put(world, quiet, numbered("quiet", 20));
  for (std::size_t i = 0; i < 20; ++i) {  // the other one is the witness that the consumer goes on reading
    co_await put(world, flowing, std::vector<std::string>(1, fmt::format("flow-{}", i)));
    const bool flows = co_await until(world, *member, [&] { return member->values(flowing).size() == i + 1; });
    REQUIRE(flows);
  }
  CHECK(member->values(quiet).empty());
  member->resume(quiet);
  const bool resumed = co_await until(world, *member, [&] { return member->values(quiet).size() == 20; });

  REQUIRE(resumed);
  CHECK(member->values(quiet) == numbered("quiet", 20));
  CHECK(member->values(flowing) == numbered("flow", 20));
}

Task<> pause_of_a_backlog(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const Partition backlog{topic, 0};
  const Partition witness{topic, 1};
  co_await put(world, backlog, numbered("b", 300));
  Subscription subscription{.group = world.fresh_name("group"), .topics = {}, .batch_records_max = 10};
  subscription.topics.push_back(topic);
  auto member = co_await Member::join(world, world.log(), subscription);

  for (std::size_t seen = 30; seen <= 270; seen += 30) {
    const bool some = co_await until(world, *member, [&] { return member->values(backlog).size() >= seen; });
    REQUIRE(some);
    member->pause(backlog);
    const auto before = member->values(backlog).size();
    co_await put(world, witness, {"w"});
    const auto witnesses = member->values(witness).size();
    const bool told = co_await until(world, *member, [&] { return member->values(witness).size() > witnesses; });
    REQUIRE(told);
    CHECK(member->values(backlog).size() == before);
    member->resume(backlog);
  }
  const bool all = co_await until(world, *member, [&] { return member->values(backlog).size() >= 300; });

  CHECK(all);
  CHECK((member->values(backlog) == numbered("b", 300)));
}

Task<> pause_twice(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const Partition partition{topic, 0};
  const Partition foreign{world.fresh_name("absent"), 0};
  co_await put(world, partition, numbered("r", 50));
  auto member = co_await Member::join(world, world.fresh_name("group"), topic);
  const bool some = co_await until(world, *member, [&] { return !member->got.empty(); });
  REQUIRE(some);

  member->resume(partition);  // not paused: must not go back
  member->pause(partition);
  member->pause(partition);
  member->consumer().pause(foreign);  // not assigned: nothing happens
  member->resume(partition);
  member->resume(partition);
  member->consumer().resume(foreign);
  co_await put(world, partition, {"last"});
  const bool all = co_await until(world, *member, [&] { return member->got.size() >= 51; });

  REQUIRE(all);
  auto expected = numbered("r", 50);
  expected.emplace_back("last");
  CHECK(member->values(partition) == expected);
}

Task<> pause_is_forgotten(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto group = world.fresh_name("group");
  auto paused = co_await Member::join(world, group, partition.topic);
  const bool assigned = co_await until(world, *paused, [&] { return paused->holds(partition); });
  REQUIRE(assigned);
  paused->pause(partition);
  co_await paused->leave();
  co_await put(world, partition, numbered("r", 5));

  auto next = co_await Member::join(world, group, partition.topic);
  const bool delivered = co_await until(world, *next, [&] { return next->got.size() == 5; });

  CHECK(delivered);
}

// Whoever pauses a partition before he is told that it is his speaks of an assignment that has passed.
Task<> pause_before_being_told(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  co_await put(world, partition, numbered("r", 5));
  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  for (int i = 0; i < 40; ++i) {  // time enough for the group to decide
    co_await world.clock().sleep_for(std::chrono::milliseconds{25});
    member->consumer().pause(partition);
  }

  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 5; });

  CHECK(delivered);
}

}  // namespace sluice::conformance
