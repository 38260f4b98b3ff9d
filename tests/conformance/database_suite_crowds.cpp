// Many callers and several processes at once.
#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "common/async/scope.hpp"
#include "common/db/dialect.hpp"
#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {
namespace {

using Answer = Result<std::vector<Rows>>;

Task<> run_into(Database& database, Batch batch, std::optional<Answer>& answer) {
  auto running = database.run(std::move(batch));
  answer = co_await std::move(running);
}

// Each from a task of its own, all begun before any has its answer.
Task<std::vector<std::optional<Answer>>> at_once(DatabaseWorld& world, std::vector<Batch> batches) {
  std::vector<std::optional<Answer>> answers(batches.size());
  Scope scope{world.loop()};
  for (std::size_t place = 0; place < batches.size(); ++place)
    scope.start(run_into(world.database(), std::move(batches[place]), answers[place]));
  co_await soon_done(world, scope.join());
  co_return answers;
}

constexpr auto claim_items =
    claiming<"UPDATE items SET name = $1 WHERE id IN (SELECT id FROM items WHERE name IS NULL ORDER BY id LIMIT $2",
             ") RETURNING id">();

Task<> claim_all(Database& database, std::string name, std::vector<std::int64_t>& claimed) {
  while (true) {
    auto running = database.run(batch_of({{claim_items, {name, 7}}}));
    const auto answer = co_await std::move(running);
    REQUIRE_MESSAGE(answer.has_value(), answer.error().sentence);
    const auto& rows = answer->front();
    if (rows.empty()) co_return;
    for (std::size_t row = 0; row < rows.size(); ++row) claimed.push_back(rows.integer(row, 0));
  }
}

}  // namespace

Task<> thousand_callers(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, Statement{insert_counter, {"sum", 0}});
  std::vector<Batch> batches;
  for (int caller = 0; caller < 1000; ++caller)
    batches.push_back(batch_of({{"UPDATE counters SET n = n + 1 WHERE name = $1", {"sum"}, Expect::exactly(1)}}));

  const auto answers = co_await at_once(world, std::move(batches));

  for (const auto& answer : answers) REQUIRE_MESSAGE(answer->has_value(), answer->error().sentence);
  co_await check_number(world, {read_counter, {"sum"}}, 1000);
}

Task<> one_winner(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, item(1, "free"));
  std::vector<Batch> batches;
  for (int caller = 0; caller < 50; ++caller)
    batches.push_back(batch_of({{"UPDATE items SET name = $1 WHERE id = 1 AND name = 'free'",
                                 {fmt::format("caller {}", caller)},
                                 Expect::exactly(1)}}));

  const auto answers = co_await at_once(world, std::move(batches));

  const auto winner = std::ranges::find_if(answers, [](const auto& answer) { return answer->has_value(); });
  REQUIRE(winner != answers.end());
  for (auto answer = answers.begin(); answer != answers.end(); ++answer) {
    if (answer != winner) CHECK(failed_as(**answer, Kind::conflict));
  }
  const auto rows = co_await seen(world, {"SELECT name FROM items"});
  CHECK(rows.text(0, 0) == fmt::format("caller {}", winner - answers.begin()));
}

Task<> claims_do_not_overlap(DatabaseWorld& world) {
  co_await make_tables(world);
  Batch rows;
  for (std::int64_t id = 0; id < 300; ++id) rows.statements.push_back({"INSERT INTO items (id) VALUES ($1)", {id}});
  co_await done(world, std::move(rows));
  const auto other = world.another();

  std::vector<std::vector<std::int64_t>> claimed(10);
  Scope scope{world.loop()};
  for (std::size_t task = 0; task < claimed.size(); ++task) {
    auto& database = task % 2 == 0 ? world.database() : *other;
    scope.start(claim_all(database, fmt::format("task {}", task), claimed[task]));
  }
  co_await soon_done(world, scope.join());
  co_await soon_done(world, other->close());

  std::multiset<std::int64_t> all;
  for (const auto& ids : claimed) all.insert(ids.begin(), ids.end());
  CHECK(all.size() == 300);
  CHECK(std::set<std::int64_t>(all.begin(), all.end()).size() == 300);
}

Task<> processes_see_each_other(DatabaseWorld& world) {
  co_await make_tables(world);
  const auto other = world.another();

  for (std::int64_t round = 1; round <= 20; ++round) {
    co_await done(world, item(round));
    const auto rows = co_await soon(world, other->read({count_items}));
    REQUIRE_MESSAGE(rows.has_value(), rows.error().sentence);
    CHECK(rows->integer(0, 0) == round);
  }
  co_await soon_done(world, other->close());
}

Task<> cancelled_callers(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<std::optional<Answer>> answers(200);
  Scope scope{world.loop()};
  for (std::size_t k = 0; k < answers.size(); ++k)
    scope.start(run_into(world.database(), pair_of_items(static_cast<std::int64_t>(k)), answers[k]));
  auto first_turn = world.clock().sleep_for(std::chrono::microseconds{500});
  co_await std::move(first_turn);

  scope.cancel();
  co_await soon_done(world, scope.join());

  std::vector<std::int64_t> answered;
  for (std::size_t k = 0; k < answers.size(); ++k) {
    if (answers[k] && answers[k]->has_value()) answered.push_back(static_cast<std::int64_t>(k));
  }
  co_await done(world, pair_of_items(1000));
  answered.push_back(1000);
  co_await check_pairs(world, answered, {});
}

Task<> overload_is_an_answer(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await world.narrow();
  std::vector<Batch> batches;
  for (std::int64_t id = 0; id < 2000; ++id) batches.push_back(batch_of({item(id)}));

  const auto answers = co_await at_once(world, std::move(batches));

  std::int64_t successes = 0;
  for (const auto& answer : answers) {
    if (answer->has_value()) {
      ++successes;
    } else {
      CHECK(failed_as(*answer, Kind::overloaded));
    }
  }
  CHECK(successes > 0);
  CHECK(successes < 2000);
  co_await check_items(world, successes);
}

}  // namespace sluice::db::conformance
