// Topics, what age and compaction may remove, and what becomes of damaged and foreign records.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds an_hour = 1h;

Task<Done> create(LogWorld& world, std::string name, std::int32_t partitions) {
  std::vector<TopicSpec> specs;
  specs.push_back(TopicSpec{.name = std::move(name), .partitions = partitions});
  return soon(world, world.log().create_topics(std::move(specs)));
}

Task<std::optional<TopicInfo>> info_of(LogWorld& world, std::string name) {
  const auto all = co_await soon(world, world.log().topics());
  if (!all) FAIL("topics: ", all.error().sentence);
  const auto found = std::ranges::find_if(*all, [&](const auto& info) { return info.spec.name == name; });
  if (found == all->end()) co_return std::nullopt;
  co_return *found;
}

// Appends values whose records are as old as `age`.
Task<std::vector<Offset>> put_old(LogWorld& world, Partition to, std::vector<std::string> values,
                                  std::chrono::milliseconds age) {
  auto old = records(to, values);
  for (auto& each : old) each.timestamp = world.clock().wall() - age;
  return put(world, std::move(old));
}

Task<> put_keyed(LogWorld& world, Partition to, std::string key, std::optional<std::string> value) {
  std::vector<Outgoing> one;
  one.push_back(Outgoing{.topic = to.topic, .partition = to.number, .key = std::move(key), .value = std::move(value)});
  co_await put(world, std::move(one));
}

Task<> commit_in_group(LogWorld& world, std::string group, Partition partition, Offset watermark) {
  auto member = co_await Member::join(world, std::move(group), partition.topic);
  const bool assigned = co_await until(world, *member, [&] { return member->holds(partition); });
  REQUIRE(assigned);
  const auto committed = co_await member->commit(partition, watermark);
  REQUIRE(committed.has_value());
  co_await member->leave();
}

}  // namespace

Task<> topics_are_listed(LogWorld& world) {
  const auto plain = co_await world.fresh_topic(3);
  const auto aging = co_await world.fresh_topic(2, TopicSpec{.name = {}, .retention = an_hour});
  const auto compacted = co_await world.fresh_topic(1, TopicSpec{.name = {}, .compacted = true});

  const auto of_plain = co_await info_of(world, plain);
  const auto of_aging = co_await info_of(world, aging);
  const auto of_compacted = co_await info_of(world, compacted);
  const auto of_absent = co_await info_of(world, world.fresh_name("absent"));

  REQUIRE(of_plain.has_value());
  CHECK(of_plain->spec.partitions == 3);
  CHECK_FALSE(of_plain->spec.retention.has_value());
  CHECK_FALSE(of_plain->spec.compacted);
  CHECK(of_plain->replicas >= 1);
  REQUIRE(of_aging.has_value());
  CHECK(of_aging->spec.partitions == 2);
  CHECK(of_aging->spec.retention == an_hour);
  REQUIRE(of_compacted.has_value());
  CHECK(of_compacted->spec.compacted);
  CHECK_FALSE(of_absent.has_value());
}

Task<> creating_twice(LogWorld& world) {
  const auto name = world.fresh_name("topic");

  const auto first = co_await create(world, name, 4);
  co_await put(world, Partition{name, 3}, numbered("r", 1));
  const auto second = co_await create(world, name, 4);

  CHECK(first.has_value());
  CHECK(second.has_value());
  const auto stored = co_await all_of(world, Partition{name, 3});
  CHECK(stored.size() == 1);
}

Task<> unequal_partitions_conflict(LogWorld& world) {
  const auto name = co_await world.fresh_topic(4);

  const auto more = co_await create(world, name, 5);
  const auto fewer = co_await create(world, name, 3);

  REQUIRE(failed_as(more, Kind::conflict));
  REQUIRE(failed_as(fewer, Kind::conflict));
  CHECK(more.error().sentence.find('4') != std::string::npos);
  CHECK(more.error().sentence.find('5') != std::string::npos);
  const auto info = co_await info_of(world, name);
  REQUIRE(info.has_value());
  CHECK(info->spec.partitions == 4);
}

Task<> illegal_topics(LogWorld& world) {
  const auto nameless = co_await create(world, "", 1);
  const auto spaced = co_await create(world, "two words", 1);
  const auto long_name = co_await create(world, std::string(250, 'x'), 1);
  const auto without = co_await create(world, world.fresh_name("topic"), 0);

  CHECK(failed_as(nameless, Kind::invalid));
  CHECK(failed_as(spaced, Kind::invalid));
  CHECK(failed_as(long_name, Kind::invalid));
  CHECK(failed_as(without, Kind::invalid));
}

Task<> retention_removes_what_is_finished(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(1, TopicSpec{.name = {}, .retention = an_hour});
  const Partition partition{topic, 0};
  const auto offsets = co_await put_old(world, partition, numbered("old", 10), 2 * an_hour);
  co_await commit_in_group(world, world.fresh_name("fast"), partition, offsets.back() + 1);
  co_await commit_in_group(world, world.fresh_name("slow"), partition, offsets[6]);

  co_await soon_done(world, world.retain());

  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) == std::vector<std::string>{"old-6", "old-7", "old-8", "old-9"});
  const auto gone = co_await soon(world, world.log().read_one(partition, offsets[5]));
  CHECK(failed_as(gone, Kind::not_found));
  const auto span = co_await soon(world, world.log().span(partition));
  REQUIRE(span.has_value());
  CHECK(span->first > offsets[5]);
  CHECK(span->first <= offsets[6]);
}

Task<> retention_keeps_what_is_unfinished(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2, TopicSpec{.name = {}, .retention = an_hour});
  const Partition begun{topic, 0};
  const Partition untouched{topic, 1};
  const auto offsets = co_await put_old(world, begun, numbered("old", 5), 2 * an_hour);
  co_await put_old(world, untouched, numbered("old", 5), 2 * an_hour);
  const auto group = world.fresh_name("group");
  auto member = co_await Member::join(world, group, topic);
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 10; });
  REQUIRE(delivered);
  const auto committed = co_await member->commit(begun, offsets[0]);
  REQUIRE(committed.has_value());

  co_await soon_done(world, world.retain());

  const auto of_begun = co_await all_of(world, begun);
  const auto of_untouched = co_await all_of(world, untouched);
  CHECK(values_of(of_begun) == numbered("old", 5));
  CHECK(values_of(of_untouched) == numbered("old", 5));  // subscribed and never committed: nothing is finished
}

Task<> retention_keeps_the_young(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(1, TopicSpec{.name = {}, .retention = an_hour});
  const auto eternal = co_await fresh_partition(world);
  const Partition partition{topic, 0};
  co_await put_old(world, partition, numbered("old", 3), 2 * an_hour);
  const auto young = co_await put_old(world, partition, numbered("young", 3), an_hour / 2);
  const auto ancient = co_await put_old(world, eternal, numbered("ancient", 3), 10'000 * an_hour);
  const auto group = world.fresh_name("group");
  co_await commit_in_group(world, group, partition, young.back() + 1);
  co_await commit_in_group(world, world.fresh_name("group"), eternal, ancient.back() + 1);

  co_await soon_done(world, world.retain());

  const auto stored = co_await all_of(world, partition);
  const auto kept = co_await all_of(world, eternal);
  CHECK(values_of(stored) == numbered("young", 3));
  CHECK(values_of(kept) == numbered("ancient", 3));
}

Task<> compaction_keeps_the_last(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(1, TopicSpec{.name = {}, .compacted = true});
  const Partition partition{topic, 0};
  for (int i = 0; i < 9; ++i)
    co_await put_keyed(world, partition, fmt::format("key-{}", i % 3), fmt::format("v-{}", i));

  co_await soon_done(world, world.retain());

  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) == std::vector<std::string>{"v-6", "v-7", "v-8"});
}

Task<> tombstones_erase(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(1, TopicSpec{.name = {}, .compacted = true});
  const Partition partition{topic, 0};
  co_await put_keyed(world, partition, "erased", "v-0");
  co_await put_keyed(world, partition, "kept", "v-1");
  co_await put_keyed(world, partition, "erased", std::nullopt);
  co_await put_keyed(world, partition, "back", std::nullopt);
  co_await put_keyed(world, partition, "back", "v-2");

  co_await soon_done(world, world.retain());

  std::vector<std::string> living;  // the tombstone itself may stay for a while, so that slow readers learn of it
  for (const auto& each : co_await all_of(world, partition)) {
    if (each.value()) living.emplace_back(*each.value());
  }
  CHECK(living == std::vector<std::string>{"v-1", "v-2"});
}

Task<> offsets_are_never_used_again(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(1, TopicSpec{.name = {}, .retention = an_hour});
  const Partition partition{topic, 0};
  const auto old = co_await put_old(world, partition, numbered("old", 5), 2 * an_hour);
  co_await commit_in_group(world, world.fresh_name("group"), partition, old.back() + 1);
  co_await soon_done(world, world.retain());
  const auto emptied = co_await all_of(world, partition);

  co_await soon_done(world, world.reopen());
  const auto fresh = co_await put(world, partition, numbered("new", 1));

  CHECK(emptied.empty());
  CHECK(fresh[0] > old.back());
}

Task<> damage_is_poison(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 5));

  co_await soon_done(world, world.corrupt(partition, offsets[2]));

  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 5; });
  REQUIRE(delivered);
  for (std::size_t i = 0; i < 5; ++i) {
    CAPTURE(i);
    const auto& each = member->got[i].record;
    CHECK(each.offset() == offsets[i]);
    CHECK(each.is_poison() == (i == 2));
    CHECK((each.value() == numbered("r", 5)[i]) == (i != 2));
  }
  CHECK(member->got[2].record.damage() == "checksum");
  CHECK(member->got[2].record.value().has_value());  // its raw bytes
  CHECK(member->got[2].record.key() == "key");
  const auto committed = co_await member->commit(partition, offsets[4] + 1);
  CHECK(committed.has_value());
}

Task<> damage_is_read_as_poison(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 3));

  co_await soon_done(world, world.corrupt(partition, offsets[1]));

  const auto one = co_await soon(world, world.log().read_one(partition, offsets[1]));
  REQUIRE(one.has_value());
  CHECK(one->is_poison());
  const auto all = co_await all_of(world, partition);
  REQUIRE(all.size() == 3);
  CHECK_FALSE(all[0].is_poison());
  CHECK(all[1].is_poison());
  CHECK_FALSE(all[2].is_poison());
}

Task<> foreign_records_are_sound(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  auto foreign = record(partition, "foreign");
  foreign.headers = {{"their", "header"}};

  const auto offset = co_await soon(world, world.append_foreign(std::move(foreign)));

  const auto read = co_await soon(world, world.log().read_one(partition, offset));
  REQUIRE(read.has_value());
  CHECK_FALSE(read->is_poison());
  CHECK(read->value() == "foreign");
  REQUIRE(read->headers().size() == 1);
  CHECK(read->headers()[0] == HeaderView{"their", "header"});
}

}  // namespace sluice::conformance
