#include "tests/conformance/log_story.hpp"

#include <utility>

#include <fmt/format.h>

namespace sluice::conformance {

Task<> soon_done(LogWorld& world, Task<> operation) {
  const bool done = co_await within(world.clock(), world.clock().now() + world.patience(), std::move(operation));
  REQUIRE_MESSAGE(done, "no end within the world's patience");
}

Outgoing record(const Partition& to, std::string value) {
  return Outgoing{.topic = to.topic, .partition = to.number, .key = "key", .value = std::move(value)};
}

std::vector<Outgoing> records(const Partition& to, const std::vector<std::string>& values) {
  std::vector<Outgoing> made;
  made.reserve(values.size());
  for (const auto& value : values) made.push_back(record(to, value));
  return made;
}

std::vector<std::string> numbered(std::string_view what, int count) {
  std::vector<std::string> made;
  for (int i = 0; i < count; ++i) made.push_back(fmt::format("{}-{}", what, i));
  return made;
}

std::vector<std::string> values_of(const std::vector<Record>& records) {
  std::vector<std::string> values;
  values.reserve(records.size());
  for (const auto& each : records) values.emplace_back(each.value().value_or("(none)"));
  return values;
}

Task<Partition> fresh_partition(LogWorld& world) {
  auto topic = co_await world.fresh_topic(1);
  co_return Partition{topic, 0};
}

Task<std::vector<Offset>> put(LogWorld& world, std::vector<Outgoing> records) {
  const auto count = records.size();
  auto stored = co_await soon(world, world.log().append(std::move(records)));
  if (!stored) FAIL("append: ", stored.error().sentence);
  REQUIRE(stored->size() == count);
  co_return std::move(*stored);
}

Task<std::vector<Offset>> put(LogWorld& world, Partition to, std::vector<std::string> values) {
  return put(world, records(to, values));
}

Task<std::vector<Record>> all_of(LogWorld& world, Partition partition) {
  std::vector<Record> all;
  Offset from = 0;
  while (true) {
    auto page = co_await soon(world, world.log().read(partition, from, ReadLimits{}));
    if (!page) FAIL("read: ", page.error().sentence);
    if (page->empty()) co_return all;
    for (auto& each : *page) {
      REQUIRE(each.offset() >= from);
      from = each.offset() + 1;
      all.push_back(std::move(each));
    }
  }
}

Task<std::optional<Committed>> committed_of(LogWorld& world, std::string group, Partition partition) {
  auto found = co_await soon(world, world.log().committed(std::move(group), std::move(partition)));
  if (!found) FAIL("committed: ", found.error().sentence);
  co_return std::move(*found);
}

Task<bool> until(LogWorld& world, std::vector<Member*> members, std::function<bool()> reached) {
  constexpr Duration turn = std::chrono::milliseconds{10};
  const auto deadline = world.clock().now() + world.patience();
  while (!reached()) {
    if (world.clock().now() >= deadline) co_return false;
    bool anybody_left = false;
    for (auto* member : members) {
      if (member->closed || member->broken) continue;
      anybody_left = true;
      (void)co_await member->take(turn);
    }
    if (!anybody_left) co_await world.clock().sleep_for(turn);
  }
  co_return true;
}

Task<bool> until(LogWorld& world, Member& member, std::function<bool()> reached) {
  std::vector<Member*> alone{&member};
  return until(world, std::move(alone), std::move(reached));
}

}  // namespace sluice::conformance
