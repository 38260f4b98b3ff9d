// A batch is done whole or not at all, and says how many rows each of its statements touched.
#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {

Task<> batch_answers(DatabaseWorld& world) {
  co_await make_tables(world);

  Batch batch;
  batch.statements.push_back(item(1, "one"));
  batch.statements.push_back({"INSERT INTO items (id, name, amount) VALUES ($1, $2, $3), ($4, $5, $6) RETURNING id",
                              {2, "two", 2, 3, "three", 3}});
  batch.statements.push_back({"SELECT id, name FROM items WHERE id > $1 ORDER BY id", {1}});
  batch.statements.push_back({"UPDATE items SET amount = amount + 1 WHERE id <= $1", {2}});
  batch.statements.push_back({"DELETE FROM items WHERE id = $1", {99}});
  const auto answers = co_await done(world, std::move(batch));

  REQUIRE(answers.size() == 5);
  CHECK(answers[0].touched == 1);
  CHECK(answers[0].empty());
  CHECK(answers[1].touched == 2);
  REQUIRE(answers[1].size() == 2);
  CHECK(answers[1].integer(0, 0) + answers[1].integer(1, 0) == 5);
  CHECK(answers[2].touched == 2);
  REQUIRE(answers[2].size() == 2);
  CHECK(answers[2].integer(0, 0) == 2);
  CHECK(answers[2].text(1, 1) == "three");
  CHECK(answers[3].touched == 2);
  CHECK(answers[4].touched == 0);
}

Task<> nothing_is_done(DatabaseWorld& world) {
  const auto answers = co_await done(world, Batch{});

  CHECK(answers.empty());
}

Task<> batch_is_whole(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, item(3));

  const auto answer = co_await ran(world, batch_of({item(1), item(2), item(3)}));

  CHECK(failed_as(answer, Kind::conflict));
  co_await check_items(world, 1);
}

Task<> unmet_expectation(DatabaseWorld& world) {
  co_await make_tables(world);

  Batch batch;
  batch.statements.push_back(item(1));
  batch.statements.push_back({"UPDATE items SET amount = 5 WHERE id = $1", {2}, Expect::exactly(1)});
  batch.statements.push_back(item(3));
  const auto answer = co_await ran(world, std::move(batch));

  CHECK(failed_as(answer, Kind::conflict));
  co_await check_items(world, 0);
}

Task<> expectations_count(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, batch_of({item(1), item(2), item(3)}));
  struct Trial {
    Statement statement;
    bool met;
  };
  std::vector<Trial> trials;
  trials.push_back({{"SELECT id FROM items", {}, Expect::exactly(3)}, true});
  trials.push_back({{"SELECT id FROM items", {}, Expect::exactly(2)}, false});
  trials.push_back({{"SELECT id FROM items WHERE id = 9", {}, Expect::at_least(1)}, false});
  trials.push_back({{"UPDATE items SET amount = 2", {}, Expect::at_least(3)}, true});
  trials.push_back({{"UPDATE items SET amount = 2", {}, Expect::at_least(4)}, false});
  trials.push_back({{"UPDATE items SET amount = 2 RETURNING id", {}, Expect::exactly(3)}, true});
  trials.push_back({{"DELETE FROM items WHERE id = 9", {}, Expect::exactly(0)}, true});
  trials.push_back({{"DELETE FROM items", {}, {.rows_max = 2}}, false});

  for (auto& trial : trials) {
    CAPTURE(std::string{trial.statement.sql.for_sqlite()});
    const auto answer = co_await ran(world, batch_of({std::move(trial.statement)}));
    CHECK(answer.has_value() == trial.met);
    if (!answer) CHECK(failed_as(answer, Kind::conflict));
  }
  co_await check_items(world, 3);
}

Task<> unique_conflict(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, item(1));

  const auto answer = co_await ran(world, batch_of({item(2), item(1)}));

  CHECK(failed_as(answer, Kind::conflict));
  co_await check_items(world, 1);
}

Task<> check_conflict(DatabaseWorld& world) {
  co_await make_tables(world);

  const auto answer = co_await ran(world, batch_of({item(1), item(2, "less than nothing", -1)}));

  CHECK(failed_as(answer, Kind::conflict));
  co_await check_items(world, 0);
}

Task<> wrong_sql(DatabaseWorld& world) {
  co_await make_tables(world);

  const auto no_table = co_await ran(world, batch_of({item(1), {"INSERT INTO nowhere (id) VALUES (1)"}}));
  const auto no_sql = co_await ran(world, batch_of({item(1), {"SELEC 1"}}));
  const auto no_column = co_await ran(world, batch_of({item(1), {"SELECT nothing FROM items"}}));

  CHECK(failed_as(no_table, Kind::ours));
  CHECK(failed_as(no_sql, Kind::ours));
  CHECK(failed_as(no_column, Kind::ours));
  co_await check_items(world, 0);
}

Task<> wrong_number_of_values(DatabaseWorld& world) {
  co_await make_tables(world);

  const auto too_few = co_await ran(world, batch_of({item(1), {insert_counter, {"a"}}}));
  const auto too_many = co_await ran(world, batch_of({item(1), {insert_counter, {"a", 1, 2}}}));

  CHECK(failed_as(too_few, Kind::ours));
  CHECK(failed_as(too_many, Kind::ours));
  co_await check_items(world, 0);
}

Task<> parameters_by_number(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, Statement{insert_counter, {"a", 5}});

  const auto answers = co_await done(
      world, Statement{"UPDATE counters SET n = n + $3 WHERE n < $2 AND name = $1 AND $3 > 0", {"a", 6, 10}});

  CHECK(answers[0].touched == 1);
  co_await check_number(world, {read_counter, {"a"}}, 15);
}

Task<> reads_see_writes(DatabaseWorld& world) {
  co_await make_tables(world);

  for (std::int64_t round = 1; round <= 50; ++round) {
    co_await done(world, item(round));
    co_await check_items(world, round);
  }
}

Task<> later_statements_see_earlier(DatabaseWorld& world) {
  co_await make_tables(world);

  const auto answers = co_await done(world, batch_of({item(1), {count_items}, item(2), {count_items}}));

  CHECK(answers[1].integer(0, 0) == 1);
  CHECK(answers[3].integer(0, 0) == 2);
}

}  // namespace sluice::db::conformance
