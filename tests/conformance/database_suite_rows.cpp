// Single rows: one answer for each, however many travel together.
#include <algorithm>

#include "common/async/scope.hpp"
#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {
namespace {

using RowAnswer = Result<Rows>;

Task<> write_into(DatabaseWorld& world, RowWrite write, RowAnswer& answer) {
  auto writing = wrote(world, std::move(write));
  answer = co_await std::move(writing);
}

// Each from a task of its own, begun in the order of the vector before any has its answer.
Task<std::vector<RowAnswer>> at_once(DatabaseWorld& world, std::vector<RowWrite> writes) {
  std::vector<RowAnswer> answers(writes.size());
  Scope scope{world.loop()};
  for (std::size_t place = 0; place < writes.size(); ++place)
    scope.start(write_into(world, std::move(writes[place]), answers[place]));
  co_await scope.join();
  co_return answers;
}

// How many rows were written in all, each answered with what it returns.
void check_touched(const std::vector<RowAnswer>& answers, std::int64_t expected) {
  std::int64_t touched = 0;
  for (const auto& answer : answers) {
    REQUIRE_MESSAGE(answer.has_value(), answer.error().sentence);
    REQUIRE(answer->touched == static_cast<std::int64_t>(answer->size()));
    touched += answer->touched;
  }
  REQUIRE(touched == expected);
}

}  // namespace

Task<> row_written_once(DatabaseWorld& world) {
  co_await make_tables(world);

  const auto first = co_await wrote(world, item_row(7, "first"));
  const auto second = co_await wrote(world, item_row(7, "second"));

  REQUIRE(first.has_value());
  CHECK(first->touched == 1);
  REQUIRE(first->size() == 1);
  CHECK(first->integer(0, 0) == 7);
  REQUIRE(second.has_value());
  CHECK(second->touched == 0);
  CHECK(second->empty());
  const auto rows = co_await seen(world, {"SELECT name FROM items"});
  CHECK(rows.text(0, 0) == "first");
}

Task<> row_updates(DatabaseWorld& world) {
  co_await make_tables(world);

  const auto first = co_await wrote(world, counter_row(counter_adds, "a", 5));
  const auto second = co_await wrote(world, counter_row(counter_adds, "a", 7));

  check_touched({first, second}, 2);
  CHECK(first->integer(0, 0) == 5);
  CHECK(second->integer(0, 0) == 12);
}

Task<> row_returns_nothing(DatabaseWorld& world) {
  static const RowShape silent{.table = "counters", .columns = {"name", "n"}, .key = {"name"}};
  co_await make_tables(world);

  const auto first = co_await wrote(world, counter_row(silent, "a", 1));
  const auto second = co_await wrote(world, counter_row(silent, "a", 1));

  REQUIRE(first.has_value());
  CHECK(first->touched == 1);
  CHECK(first->empty());
  REQUIRE(second.has_value());
  CHECK(second->touched == 0);
  CHECK(second->empty());
}

Task<> rows_at_once(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, item(50));
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 300; ++id) writes.push_back(item_row(id));

  const auto answers = co_await at_once(world, std::move(writes));

  check_touched(answers, 299);
  for (std::int64_t id = 0; id < 300; ++id) {
    const auto& answer = *answers[static_cast<std::size_t>(id)];
    CHECK(answer.touched == (id == 50 ? 0 : 1));
    if (answer.touched == 1) CHECK(answer.integer(0, 0) == id);
  }
  co_await check_items(world, 300);
}

Task<> one_key_at_once(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 100; ++id) writes.push_back(item_row(id % 5));

  const auto answers = co_await at_once(world, std::move(writes));

  check_touched(answers, 5);
  co_await check_items(world, 5);
}

Task<> one_key_in_order(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<RowWrite> sets;
  std::vector<RowWrite> adds;
  for (std::int64_t n = 1; n <= 50; ++n) {
    sets.push_back(counter_row(counter_set, "set", n));
    adds.push_back(counter_row(counter_adds, "sum", 1));
  }

  const auto set = co_await at_once(world, std::move(sets));
  const auto sum = co_await at_once(world, std::move(adds));

  check_touched(set, 50);
  check_touched(sum, 50);
  for (std::int64_t n = 1; n <= 50; ++n) {
    CHECK(set[static_cast<std::size_t>(n) - 1]->integer(0, 0) == n);
    CHECK(sum[static_cast<std::size_t>(n) - 1]->integer(0, 0) == n);
  }
  co_await check_number(world, {read_counter, {"set"}}, 50);
  co_await check_number(world, {read_counter, {"sum"}}, 50);
}

Task<> guilty_row(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 40; ++id) writes.push_back(item_row(id, "thing", id == 17 ? -1 : 1));

  auto answers = co_await at_once(world, std::move(writes));

  CHECK(failed_as(answers[17], Kind::conflict));
  answers.erase(answers.begin() + 17);
  check_touched(answers, 39);
  co_await check_items(world, 39);
}

Task<> shapes_at_once(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<RowWrite> writes;
  for (std::int64_t n = 0; n < 60; ++n) {
    writes.push_back(item_row(n));
    writes.push_back(counter_row(counter_adds, "sum", 1));
  }

  const auto answers = co_await at_once(world, std::move(writes));

  check_touched(answers, 120);
  for (std::size_t n = 0; n < 60; ++n) {
    CHECK(answers[2 * n]->integer(0, 0) == static_cast<std::int64_t>(n));
    CHECK(answers[2 * n + 1]->integer(0, 0) == static_cast<std::int64_t>(n) + 1);
  }
  co_await check_items(world, 60);
}

Task<> row_values_checked(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 10; ++id) writes.push_back(item_row(id, id == 4 ? "\xFF" : "thing"));

  auto answers = co_await at_once(world, std::move(writes));

  CHECK(failed_as(answers[4], Kind::invalid));
  answers.erase(answers.begin() + 4);
  check_touched(answers, 9);
}

}  // namespace sluice::db::conformance
