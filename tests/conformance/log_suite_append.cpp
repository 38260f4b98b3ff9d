// What an append promises: offsets, order, bytes, and what each refusal means.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/async/scope.hpp"
#include "common/async/spawn.hpp"
#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

namespace {

struct Asked {  // one append of a task, in the order in which the calls began
  Partition to;
  std::string value;
  std::optional<Result<std::vector<Offset>>> answer;
};

Task<> ask(LogWorld& world, Asked& asked) {
  asked.answer = co_await world.log().append(records(asked.to, {asked.value}));
}

// All at once, each from its own task, begun in the order of the vector.
Task<> ask_all(LogWorld& world, std::vector<Asked>& all) {
  Scope scope{world.loop()};
  for (auto& asked : all) scope.start(ask(world, asked));
  co_await scope.join();
}

Task<> nothing() {
  co_return;
}

bool rises(const std::vector<Offset>& offsets) {
  return std::ranges::adjacent_find(offsets, std::ranges::greater_equal{}) == offsets.end();
}

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

}  // namespace

Task<> offsets_rise(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);

  auto first = co_await put(world, partition, numbered("a", 3));
  const auto second = co_await put(world, partition, numbered("b", 2));

  first.insert(first.end(), second.begin(), second.end());
  CHECK(rises(first));
  CHECK(first.front() >= 0);
  const auto stored = co_await all_of(world, partition);
  REQUIRE(stored.size() == first.size());
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(stored[i].offset() == first[i]);
}

Task<> nothing_is_appended(LogWorld& world) {
  const auto none = co_await soon(world, world.log().append({}));

  REQUIRE(none.has_value());
  CHECK(none->empty());
}

Task<> one_call_keeps_its_order(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(3);
  std::vector<Outgoing> mixed;
  for (int i = 0; i < 60; ++i) mixed.push_back(record({topic, i % 3}, fmt::format("{}", i)));

  const auto offsets = co_await put(world, std::move(mixed));

  for (int number = 0; number < 3; ++number) {
    const auto stored = co_await all_of(world, Partition{topic, number});
    REQUIRE(stored.size() == 20);
    for (int i = 0; i < 20; ++i) {
      const auto& each = stored[static_cast<std::size_t>(i)];
      CHECK(each.value() == fmt::format("{}", 3 * i + number));
      CHECK(each.offset() == offsets[static_cast<std::size_t>(3 * i + number)]);
    }
  }
}

Task<> calls_keep_their_order(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<Asked> all;
  for (const auto& value : numbered("call", 200)) all.push_back({partition, value, {}});

  co_await soon_done(world, ask_all(world, all));

  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) == numbered("call", 200));
}

Task<> many_tasks_append(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(8);
  std::vector<Asked> all;
  for (int i = 0; i < 800; ++i) all.push_back({{topic, i % 8}, fmt::format("{}", i), {}});

  co_await soon_done(world, ask_all(world, all));

  for (int number = 0; number < 8; ++number) {
    std::vector<std::string> expected;
    for (int i = number; i < 800; i += 8) expected.push_back(fmt::format("{}", i));
    const auto stored = co_await all_of(world, Partition{topic, number});
    CHECK(values_of(stored) == expected);
  }
}

Task<> bytes_come_back(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto bytes = all_bytes();
  std::vector<Outgoing> one;
  one.push_back(Outgoing{.topic = partition.topic,
                         .partition = 0,
                         .key = bytes,
                         .value = bytes + bytes,
                         .headers = {{"ce_id", bytes}, {"Größe", "ß"}}});

  const auto offsets = co_await put(world, std::move(one));

  const auto stored = co_await soon(world, world.log().read_one(partition, offsets[0]));
  REQUIRE(stored.has_value());
  CHECK(stored->key() == bytes);
  CHECK(stored->value() == bytes + bytes);
  REQUIRE(stored->headers().size() == 2);
  CHECK(stored->headers()[0] == HeaderView{"ce_id", bytes});
  CHECK(stored->headers()[1] == HeaderView{"Größe", "ß"});
  CHECK_FALSE(stored->is_poison());
}

Task<> null_is_not_empty(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  using Text = std::optional<std::string>;
  const std::vector<std::pair<Text, Text>> pairs{{Text{}, Text{}}, {Text{}, ""}, {"", Text{}}, {"", ""}};
  std::vector<Outgoing> four;
  for (const auto& [key, value] : pairs) {
    four.push_back(Outgoing{.topic = partition.topic, .partition = 0, .key = key, .value = value});
  }

  co_await put(world, std::move(four));

  const auto stored = co_await all_of(world, partition);
  REQUIRE(stored.size() == 4);
  CHECK_FALSE(stored[0].key().has_value());
  CHECK_FALSE(stored[0].value().has_value());
  CHECK_FALSE(stored[1].key().has_value());
  CHECK(stored[1].value() == "");
  CHECK(stored[2].key() == "");
  CHECK_FALSE(stored[2].value().has_value());
  CHECK(stored[3].key() == "");
  CHECK(stored[3].value() == "");
}

Task<> headers_repeat(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<Outgoing> one = records(partition, {"value"});
  one[0].headers = {{"b", "1"}, {"a", std::nullopt}, {"b", ""}, {"", "nameless"}, {"b", "1"}};

  co_await put(world, std::move(one));

  const auto stored = co_await all_of(world, partition);
  REQUIRE(stored.size() == 1);
  const auto headers = stored[0].headers();
  REQUIRE(headers.size() == 5);
  CHECK(headers[0] == HeaderView{"b", "1"});
  CHECK(headers[1] == HeaderView{"a", std::nullopt});
  CHECK(headers[2] == HeaderView{"b", ""});
  CHECK(headers[3] == HeaderView{"", "nameless"});
  CHECK(headers[4] == HeaderView{"b", "1"});
}

Task<> timestamps_are_kept(LogWorld& world) {
  using namespace std::chrono_literals;
  const auto partition = co_await fresh_partition(world);
  const auto before = world.clock().wall();
  std::vector<Outgoing> two = records(partition, {"given", "assigned"});
  two[0].timestamp = before - 26h + 7ms;

  co_await put(world, std::move(two));

  const auto stored = co_await all_of(world, partition);
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].timestamp() == before - 26h + 7ms);
  CHECK(stored[1].timestamp() >= before);
  CHECK(stored[1].timestamp() <= world.clock().wall());
}

Task<> big_records_pass(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::string big(1'900'000, 'x');
  big[1'234'567] = 'y';

  co_await put(world, partition, std::vector<std::string>(1, big));

  const auto stored = co_await all_of(world, partition);
  REQUIRE(stored.size() == 1);
  CHECK((stored[0].value() == big));
  auto member = co_await Member::join(world, world.fresh_name("group"), partition.topic);
  const bool delivered = co_await until(world, *member, [&] { return member->got.size() == 1; });
  REQUIRE(delivered);
  CHECK((member->got[0].record.value() == big));
}

Task<> too_big_is_invalid(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<Outgoing> two = records(partition, {"small", "big"});
  two[1].value = std::string(2'200'000, 'x');

  const auto refused = co_await soon(world, world.log().append(std::move(two)));

  CHECK(failed_as(refused, Kind::invalid));
  co_await put(world, partition, numbered("after", 1));
  const auto stored = co_await all_of(world, partition);
  CHECK(values_of(stored) == numbered("after", 1));
}

Task<> unknown_topic(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::vector<Outgoing> two = records(partition, {"known"});
  two.push_back(record({world.fresh_name("absent"), 0}, "unknown"));

  const auto refused = co_await soon(world, world.log().append(std::move(two)));

  CHECK(failed_as(refused, Kind::not_found));
  const auto stored = co_await all_of(world, partition);
  CHECK(stored.empty());
}

Task<> unknown_partition(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);

  const auto above = co_await soon(world, world.log().append(records({partition.topic, 1}, {"above"})));
  const auto below = co_await soon(world, world.log().append(records({partition.topic, -1}, {"below"})));

  CHECK(failed_as(above, Kind::not_found));
  CHECK(failed_as(below, Kind::not_found));
}

Task<> overload_is_an_answer(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  co_await soon_done(world, world.narrow());
  std::vector<Asked> all;
  for (auto& value : numbered("flood", 2000)) {
    value.resize(1024, '.');
    all.push_back({partition, value, {}});
  }

  co_await soon_done(world, ask_all(world, all));

  std::vector<std::string> accepted;
  std::size_t refused = 0;
  for (const auto& asked : all) {
    REQUIRE(asked.answer.has_value());
    if (*asked.answer) {
      accepted.push_back(asked.value);
    } else {
      CHECK(failed_as(*asked.answer, Kind::overloaded));
      ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK_FALSE(accepted.empty());
  co_await put(world, partition, {"after"});
  accepted.emplace_back("after");
  const auto stored = co_await all_of(world, partition);
  CHECK((values_of(stored) == accepted));
}

Task<> cancelled_append(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto cut_values = numbered("cut", 20);
  std::vector<Asked> cut;
  for (const auto& value : cut_values) cut.push_back({partition, value, {}});
  Scope scope{world.loop()};
  for (auto& asked : cut) scope.start(ask(world, asked));
  co_await in_next_turn(nothing());  // now every one of them has begun

  scope.cancel();
  co_await scope.join();

  co_await put(world, partition, numbered("after", 3));
  const auto stored = values_of(co_await all_of(world, partition));
  REQUIRE(stored.size() >= 3);
  CHECK(std::vector<std::string>(stored.end() - 3, stored.end()) == numbered("after", 3));
  auto expected = cut_values.begin();  // each of the others is there or not, and in order
  for (auto at = stored.begin(); at != stored.end() - 3; ++at) {
    expected = std::find(expected, cut_values.end(), *at);
    REQUIRE(expected != cut_values.end());
    ++expected;
  }
}

Task<> closed_log_stops(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);

  co_await soon_done(world, world.log().close());

  const auto append = co_await soon(world, world.log().append(records(partition, {"late"})));
  const auto read = co_await soon(world, world.log().read(partition, 0, ReadLimits{}));
  const auto subscribed = co_await soon(world, world.log().subscribe({.group = "late", .topics = {partition.topic}}));
  CHECK(failed_as(append, Kind::stopping));
  CHECK(failed_as(read, Kind::stopping));
  CHECK(failed_as(subscribed, Kind::stopping));
  co_await soon_done(world, world.reopen());
  const auto stored = co_await all_of(world, partition);
  CHECK(stored.empty());
}

}  // namespace sluice::conformance
