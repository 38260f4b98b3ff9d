#include "tests/conformance/database_story.hpp"

#include <chrono>
#include <set>

namespace sluice::db::conformance {

const RowShape item_once{.table = "items", .columns = {"id", "name", "amount"}, .key = {"id"}, .returning = {"id"}};
const RowShape counter_adds{.table = "counters",
                            .columns = {"name", "n"},
                            .key = {"name"},
                            .on_conflict = "n = counters.n + excluded.n",
                            .returning = {"n"}};
const RowShape counter_set{.table = "counters",
                           .columns = {"name", "n"},
                           .key = {"name"},
                           .on_conflict = "n = excluded.n",
                           .returning = {"n"}};

Task<> make_tables(DatabaseWorld& world) {
  Batch batch;
  batch.statements.push_back(
      {"CREATE TABLE items (id bigint PRIMARY KEY, name text, amount bigint CHECK (amount >= 0), "
       "ratio double precision, body bytea)"});
  batch.statements.push_back({"CREATE TABLE counters (name text PRIMARY KEY, n bigint NOT NULL)"});
  co_await done(world, std::move(batch));
}

Statement item(std::int64_t id, std::string name, std::int64_t amount) {
  return {insert_item, {id, std::move(name), amount}};
}

RowWrite item_row(std::int64_t id, std::string name, std::int64_t amount) {
  return {&item_once, {id, std::move(name), amount}};
}

RowWrite counter_row(const RowShape& shape, std::string name, std::int64_t n) {
  return {&shape, {std::move(name), n}};
}

Batch batch_of(std::vector<Statement> statements, std::vector<std::string> notices) {
  return {std::move(statements), std::move(notices)};
}

Task<> soon_done(DatabaseWorld& world, Task<> operation) {
  auto waiting = within(world.clock(), world.clock().now() + world.patience(), std::move(operation));
  const bool ended = co_await std::move(waiting);
  REQUIRE_MESSAGE(ended, "no end within the world's patience");
}

Task<Result<std::vector<Rows>>> ran(DatabaseWorld& world, Batch batch) {
  auto running = soon(world, world.database().run(std::move(batch)));
  auto answer = co_await std::move(running);
  co_return answer;
}

Task<std::vector<Rows>> done(DatabaseWorld& world, Batch batch) {
  auto running = ran(world, std::move(batch));
  auto answer = co_await std::move(running);
  if (!answer) FAIL("a batch that should succeed: ", answer.error().sentence);
  co_return std::move(*answer);
}

Task<std::vector<Rows>> done(DatabaseWorld& world, Statement statement) {
  Batch batch;
  batch.statements.push_back(std::move(statement));
  return done(world, std::move(batch));
}

Task<Rows> seen(DatabaseWorld& world, Statement statement) {
  auto reading = soon(world, world.database().read(std::move(statement)));
  auto rows = co_await std::move(reading);
  if (!rows) FAIL("a read that should succeed: ", rows.error().sentence);
  co_return std::move(*rows);
}

Task<std::int64_t> number(DatabaseWorld& world, Statement statement) {
  auto reading = seen(world, std::move(statement));
  const auto rows = co_await std::move(reading);
  REQUIRE(rows.size() == 1);
  co_return rows.integer(0, 0);
}

Task<> check_number(DatabaseWorld& world, Statement statement, std::int64_t expected) {
  CAPTURE(std::string{statement.sql.for_sqlite()});
  const auto found = co_await number(world, std::move(statement));
  CHECK(found == expected);
}

Task<> check_items(DatabaseWorld& world, std::int64_t expected) {
  return check_number(world, {count_items}, expected);
}

Task<Result<Rows>> wrote(DatabaseWorld& world, RowWrite write) {
  auto writing = soon(world, world.database().write_row(std::move(write)));
  auto answer = co_await std::move(writing);
  co_return answer;
}

Task<std::vector<Rows>> done_at_last(DatabaseWorld& world, std::function<Batch()> batch) {
  const auto deadline = world.clock().now() + world.patience();
  while (true) {
    auto running = ran(world, batch());
    auto answer = co_await std::move(running);
    if (answer) co_return std::move(*answer);
    INFO(answer.error().sentence);
    REQUIRE(may_pass(answer.error().kind));
    REQUIRE(world.clock().now() < deadline);
    auto pause = world.clock().sleep_for(std::chrono::milliseconds{10});
    co_await std::move(pause);
  }
}

Ear::Ear(Database& database, std::string channel)
    : listening_(database.listen(std::move(channel), [this] {
        ++heard_;
        changed_.notify_all();
      })) {}

Task<bool> Ear::hears(DatabaseWorld& world, int times) {
  auto waiting = within(world.clock(), world.clock().now() + world.patience(), wait_for(times));
  const bool enough = co_await std::move(waiting);
  co_return enough;
}

Task<> Ear::wait_for(int times) {
  while (heard_ < times) {
    auto change = changed_.wait();
    co_await std::move(change);
  }
}

Batch pair_of_items(std::int64_t k) {
  return batch_of({item(2 * k), item(2 * k + 1)});
}

Task<> write_pairs(DatabaseWorld& world, Pairs& pairs) {
  while (!pairs.stop) {
    const auto k = pairs.next++;
    auto running = world.database().run(pair_of_items(k));
    const auto answer = co_await std::move(running);
    if (pairs.stop) co_return;  // it came too late to count
    if (answer) {
      pairs.answered.push_back(k);
    } else if (answer.error().kind != Kind::maybe_done) {
      pairs.undone.push_back(k);
      auto pause = world.clock().sleep_for(std::chrono::milliseconds{1});
      co_await std::move(pause);
    }
    pairs.changed.notify_all();
  }
}

Task<> wait_for_answers(Pairs& pairs, std::size_t answers) {
  while (pairs.answered.size() < answers) {
    auto change = pairs.changed.wait();
    co_await std::move(change);
  }
}

Task<> check_pairs(DatabaseWorld& world, std::vector<std::int64_t> answered, std::vector<std::int64_t> undone) {
  auto reading = seen(world, {"SELECT id FROM items"});
  const auto rows = co_await std::move(reading);
  std::set<std::int64_t> ids;
  for (std::size_t row = 0; row < rows.size(); ++row) ids.insert(rows.integer(row, 0));
  for (const auto id : ids) CHECK_MESSAGE(ids.contains(id ^ 1), "half a batch is there");
  for (const auto k : answered) CHECK_MESSAGE(ids.contains(2 * k), "an answered batch is gone");
  for (const auto k : undone) CHECK_MESSAGE(!ids.contains(2 * k), "a batch that failed is there");
}

}  // namespace sluice::db::conformance
