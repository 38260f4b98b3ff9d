// What a member of a group is told: its assignment, every record once and in order, the ends.
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

Task<> first_subscription(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(4);
  for (int number = 0; number < 4; ++number) {
    co_await put(world, Partition{topic, number}, numbered(fmt::format("p{}", number), 3));
  }

  auto member = co_await Member::join(world, world.fresh_name("group"), topic);
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 12; });

  REQUIRE(delivered);
  CHECK(member->held.size() == 4);
  for (int number = 0; number < 4; ++number) {
    const Partition partition{topic, number};
    REQUIRE(member->holds(partition));
    CHECK_FALSE(member->held[partition].committed.has_value());
    CHECK(member->values(partition) == numbered(fmt::format("p{}", number), 3));
  }
}

Task<> delivery_is_exact(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  auto two = records(partition, {"first", "second"});
  two[0].key.reset();
  two[0].headers = {{"a", "1"}, {"a", std::nullopt}, {"b", ""}};
  two[0].timestamp = world.clock().wall() - std::chrono::hours{3};
  two[1].value.reset();
  const auto given = two[0].timestamp;
  const auto offsets = co_await put(world, std::move(two));

  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 2; });

  REQUIRE(delivered);
  const auto& first = member->got[0].record;
  const auto& second = member->got[1].record;
  CHECK(first.offset() == offsets[0]);
  CHECK(first.timestamp() == given);
  CHECK_FALSE(first.key().has_value());
  CHECK(first.value() == "first");
  REQUIRE(first.headers().size() == 3);
  CHECK(first.headers()[0] == HeaderView{"a", "1"});
  CHECK(first.headers()[1] == HeaderView{"a", std::nullopt});
  CHECK(first.headers()[2] == HeaderView{"b", ""});
  CHECK(second.offset() == offsets[1]);
  CHECK(second.key() == "key");
  CHECK_FALSE(second.value().has_value());
  CHECK(second.headers().empty());
}

Task<> appends_wake(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  const bool idle = co_await until(world, *member, [&] { return member->end_of(partition) >= 0; });
  REQUIRE(idle);

  for (std::size_t i = 0; i < 10; ++i) {
    co_await put(world, partition, std::vector<std::string>(1, fmt::format("wake-{}", i)));
    const bool told = co_await until(world, *member, [&] { return member->got.size() == i + 1; });
    REQUIRE(told);
  }

  CHECK(member->values(partition) == numbered("wake", 10));
}

Task<> end_is_told_when_empty(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(3);

  auto member = co_await Member::join(world, world.fresh_name("group"), topic);
  const bool told = co_await until(world, *member, [&] { return member->ends.size() == 3; });

  CHECK(told);
  CHECK(member->got.empty());
}

Task<> end_is_told_again(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto first = co_await put(world, partition, numbered("a", 3));
  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);

  const bool at_first = co_await until(world, *member, [&] { return member->end_of(partition) > first.back(); });
  const auto delivered_first = member->got.size();
  const auto second = co_await put(world, partition, numbered("b", 3));
  const bool at_second = co_await until(world, *member, [&] { return member->end_of(partition) > second.back(); });

  CHECK(at_first);
  CHECK(delivered_first == 3);
  CHECK(at_second);
  CHECK(member->got.size() == 6);
}

Task<> groups_are_independent(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 6));
  const auto one = world.fresh_name("one");
  const auto two = world.fresh_name("two");
  auto of_one = co_await Member::join(world, one, partition.topic);
  auto of_two = co_await Member::join(world, two, partition.topic);

  const bool delivered = co_await until(world, {of_one.get(), of_two.get()},
                                        [&] { return of_one->got.size() == 6 && of_two->got.size() == 6; });
  REQUIRE(delivered);
  const auto first = co_await of_one->commit(partition, offsets[2], "one");
  const auto second = co_await of_two->commit(partition, offsets[5], "two");

  CHECK(first.has_value());
  CHECK(second.has_value());
  const auto found_one = co_await committed_of(world, one, partition);
  const auto found_two = co_await committed_of(world, two, partition);
  REQUIRE(found_one.has_value());
  REQUIRE(found_two.has_value());
  CHECK(found_one->watermark == offsets[2]);
  CHECK(found_one->metadata == "one");
  CHECK(found_two->watermark == offsets[5]);
  CHECK(found_two->metadata == "two");
}

Task<> batches_are_bounded(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<std::string> values(40, std::string(2000, 'x'));
  co_await put(world, partition, values);
  Subscription narrow{.group = world.fresh_name("group"), .topics = {}, .batch_records_max = 5};
  narrow.topics.push_back(partition.topic);
  Subscription thin{.group = world.fresh_name("group"), .topics = narrow.topics, .batch_bytes_max = 1};

  auto by_records = co_await Member::join(world, world.log(), narrow);  // it checks the bound at every notice
  auto by_bytes = co_await Member::join(world, world.log(), thin);
  const bool all = co_await until(world, *by_records, [&] { return by_records->got.size() == 40; });
  std::size_t most = 0;
  const bool one_by_one = co_await until(world, *by_bytes, [&, before = std::size_t{0}]() mutable {
    most = std::max(most, by_bytes->got.size() - before);
    before = by_bytes->got.size();
    return before == 40;
  });

  CHECK(all);
  CHECK(one_by_one);
  CHECK(most == 1);
}

Task<> slow_consumers_lose_nothing(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  const bool assigned = co_await until(world, *member, [&] { return member->holds(partition); });
  REQUIRE(assigned);

  for (int i = 0; i < 40; ++i) {
    std::vector<std::string> values(100, std::string(1000, static_cast<char>('A' + i % 26)));
    co_await put(world, partition, values);
  }
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 4000; });

  REQUIRE(delivered);
  for (std::size_t i = 0; i < 4000; ++i) {
    CHECK(member->got[i].record.value()->front() == static_cast<char>('A' + i / 100 % 26));
  }
}

Task<> cancelled_next(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  auto member = co_await Member::join(world, world.fresh_name("group"), topic);

  for (int i = 0; i < 100; ++i) {
    co_await put(world, Partition{topic, i % 2}, std::vector<std::string>(1, fmt::format("{}", i)));
    for (int cut = 0; cut < 3; ++cut) (void)co_await member->take(std::chrono::microseconds{i * 7});
  }
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 100; });

  REQUIRE(delivered);
  for (int number = 0; number < 2; ++number) {
    std::vector<std::string> expected;
    for (int i = number; i < 100; i += 2) expected.push_back(fmt::format("{}", i));
    CHECK(member->values(Partition{topic, number}) == expected);
  }
}

namespace {

// A member of each group takes everything and commits as it goes.
Task<> drain(LogWorld& world, std::vector<Member*> members, std::size_t count) {
  std::map<Member*, std::size_t> committed;
  const bool delivered = co_await until(world, members, [&] {
    for (auto* member : members) {
      if (member->got.size() < count) return false;
    }
    return true;
  });
  REQUIRE(delivered);
  for (auto* member : members) {
    std::map<Partition, Offset> next;
    for (const auto& each : member->got) next[each.partition] = each.record.offset() + 1;
    for (const auto& [partition, watermark] : next) {
      const auto done = co_await member->commit(partition, watermark);
      CHECK(done.has_value());
    }
  }
}

}  // namespace

Task<> ten_thousand(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(4);
  std::vector<std::string> groups;
  std::vector<std::unique_ptr<Member>> members;
  std::vector<Member*> all;
  for (int i = 0; i < 3; ++i) {
    groups.push_back(world.fresh_name("group"));
    auto member = co_await Member::join(world, groups.back(), topic);
    all.push_back(member.get());
    members.push_back(std::move(member));
  }
  for (int call = 0; call < 100; ++call) {
    std::vector<Outgoing> hundred;
    for (int i = 0; i < 100; ++i) hundred.push_back(record({topic, i % 4}, fmt::format("{}", call * 100 + i)));
    co_await put(world, std::move(hundred));
  }

  co_await drain(world, all, 10'000);

  for (std::size_t i = 0; i < 3; ++i) {
    for (int number = 0; number < 4; ++number) {
      std::vector<std::string> expected;
      for (int n = number; n < 10'000; n += 4) expected.push_back(fmt::format("{}", n));
      const Partition partition{topic, number};
      CHECK((all[i]->values(partition) == expected));
      const auto span = co_await soon(world, world.log().span(partition));
      const auto committed = co_await committed_of(world, groups[i], partition);
      REQUIRE(span.has_value());
      REQUIRE(committed.has_value());
      const auto behind = co_await soon(world, world.log().read(partition, committed->watermark, ReadLimits{}));
      REQUIRE(behind.has_value());
      CHECK(behind->empty());
    }
  }
}

Task<> illegal_subscriptions(LogWorld& world) {
  const auto three = co_await world.fresh_topic(3);
  const auto four = co_await world.fresh_topic(4);
  Subscription unequal{.group = world.fresh_name("group"), .topics = {three, four}};
  Subscription empty{.group = world.fresh_name("group"), .topics = {}};
  Subscription unknown{.group = world.fresh_name("group"), .topics = {three, world.fresh_name("absent")}};

  const auto of_unequal = co_await soon(world, world.log().subscribe(unequal));
  const auto of_empty = co_await soon(world, world.log().subscribe(empty));
  const auto of_unknown = co_await soon(world, world.log().subscribe(unknown));

  CHECK(failed_as(of_unequal, Kind::invalid));
  CHECK(failed_as(of_empty, Kind::invalid));
  CHECK(failed_as(of_unknown, Kind::not_found));
}

}  // namespace sluice::conformance
