// Reading without a group: ranges, single records, spans, lag.
#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

namespace {

Task<std::vector<Record>> page(LogWorld& world, Partition partition, Offset from, ReadLimits limits) {
  auto read = co_await soon(world, world.log().read(std::move(partition), from, limits));
  if (!read) FAIL("read: ", read.error().sentence);
  co_return std::move(*read);
}

Task<Span> span_of(LogWorld& world, Partition partition) {
  auto span = co_await soon(world, world.log().span(std::move(partition)));
  if (!span) FAIL("span: ", span.error().sentence);
  co_return *span;
}

}  // namespace

Task<> read_from_the_middle(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 10));

  const auto tail = co_await page(world, partition, offsets[6], {});
  const auto between = co_await page(world, partition, offsets[5] + 1, {});

  CHECK(values_of(tail) == std::vector<std::string>{"r-6", "r-7", "r-8", "r-9"});
  CHECK(tail.front().offset() == offsets[6]);
  CHECK(between.front().offset() == offsets[6]);
}

Task<> read_at_the_end(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto of_empty = co_await page(world, partition, 0, {});
  const auto offsets = co_await put(world, partition, numbered("r", 3));

  const auto at_end = co_await page(world, partition, offsets.back() + 1, {});
  const auto far_above = co_await page(world, partition, offsets.back() + 1'000'000, {});

  CHECK(of_empty.empty());
  CHECK(at_end.empty());
  CHECK(far_above.empty());
}

Task<> read_stops_at_records(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  co_await put(world, partition, numbered("r", 25));
  std::vector<std::string> all;
  std::vector<std::size_t> sizes;
  Offset from = 0;

  for (int pages = 0; pages < 3; ++pages) {
    const auto read = co_await page(world, partition, from, {.records_max = 10});
    REQUIRE_FALSE(read.empty());
    for (const auto& value : values_of(read)) all.push_back(value);
    sizes.push_back(read.size());
    from = read.back().offset() + 1;
  }

  CHECK(sizes == std::vector<std::size_t>{10, 10, 5});
  CHECK(all == numbered("r", 25));
}

Task<> read_stops_at_bytes(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<std::string> values(6, std::string(4000, 'x'));
  const auto offsets = co_await put(world, partition, values);

  const auto some = co_await page(world, partition, 0, {.records_max = 100, .bytes_max = 10'000});
  const auto one = co_await page(world, partition, offsets[2], {.records_max = 100, .bytes_max = 1});

  CHECK(some.size() >= 1);
  CHECK(some.size() <= 3);
  REQUIRE(one.size() == 1);
  CHECK(one[0].offset() == offsets[2]);
}

Task<> read_one_record(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 5));

  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const auto found = co_await soon(world, world.log().read_one(partition, offsets[i]));
    REQUIRE(found.has_value());
    CHECK(found->offset() == offsets[i]);
    CHECK(found->value() == numbered("r", 5)[i]);
  }
}

Task<> read_one_not_found(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const Partition mine{topic, 0};
  const Partition other{topic, 1};
  const auto offsets = co_await put(world, mine, numbered("r", 1));

  const auto above = co_await soon(world, world.log().read_one(mine, offsets[0] + 1));
  const auto below = co_await soon(world, world.log().read_one(mine, -1));
  const auto elsewhere = co_await soon(world, world.log().read_one(other, offsets[0]));

  CHECK(failed_as(above, Kind::not_found));
  CHECK(failed_as(below, Kind::not_found));
  CHECK(failed_as(elsewhere, Kind::not_found));
}

Task<> read_unknown(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const Partition absent{world.fresh_name("absent"), 0};

  const auto range = co_await soon(world, world.log().read(absent, 0, ReadLimits{}));
  const auto one = co_await soon(world, world.log().read_one(absent, 0));
  const auto span = co_await soon(world, world.log().span(absent));
  const auto high = co_await soon(world, world.log().read(Partition{partition.topic, 1}, 0, ReadLimits{}));

  CHECK(failed_as(range, Kind::not_found));
  CHECK(failed_as(one, Kind::not_found));
  CHECK(failed_as(span, Kind::not_found));
  CHECK(failed_as(high, Kind::not_found));
}

Task<> span_of_a_partition(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);

  const auto empty = co_await span_of(world, partition);
  const auto offsets = co_await put(world, partition, numbered("r", 4));
  const auto filled = co_await span_of(world, partition);

  CHECK(empty.first == empty.end);
  CHECK(filled.first <= offsets.front());
  CHECK(filled.end > offsets.back());
  const auto behind = co_await page(world, partition, filled.end, {});
  CHECK(behind.empty());
}

Task<> lag_counts(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  const auto offsets = co_await put(world, partition, numbered("r", 8));
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 8; });
  REQUIRE(delivered);
  const auto span = co_await span_of(world, partition);

  CHECK(lag(span, std::nullopt) == span.end - span.first);
  CHECK(lag(span, Committed{offsets[5], {}}) == span.end - offsets[5]);
  CHECK(lag(span, Committed{span.end, {}}) == 0);
  CHECK(lag(Span{10, 20}, Committed{3, {}}) == 10);
  CHECK(lag(Span{10, 20}, Committed{30, {}}) == 0);
}

}  // namespace sluice::conformance
