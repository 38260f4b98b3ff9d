// What the cases say in one line: two tables, batches that must succeed, and a listener.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "common/async/signal.hpp"
#include "tests/conformance/database_suite.hpp"

namespace sluice::db::conformance {

// items(id, name, amount >= 0, ratio, body) and counters(name, n), both empty.
Task<> make_tables(DatabaseWorld& world);

constexpr Sql insert_item = "INSERT INTO items (id, name, amount) VALUES ($1, $2, $3)";
constexpr Sql count_items = "SELECT count(*) FROM items";
constexpr Sql insert_counter = "INSERT INTO counters (name, n) VALUES ($1, $2)";
constexpr Sql read_counter = "SELECT n FROM counters WHERE name = $1";

extern const RowShape item_once;     // answers with its id when it was not there
extern const RowShape counter_adds;  // answers with the sum
extern const RowShape counter_set;   // answers with what it was set to

Statement item(std::int64_t id, std::string name = "thing", std::int64_t amount = 1);
RowWrite item_row(std::int64_t id, std::string name = "thing", std::int64_t amount = 1);
RowWrite counter_row(const RowShape& shape, std::string name, std::int64_t n);

Batch batch_of(std::vector<Statement> statements, std::vector<std::string> notices = {});

// Waits for an answer, but not for ever: a call that hangs fails its case.
template <class T>
Task<T> soon(DatabaseWorld& world, Task<T> operation) {
  auto waiting = within(world.clock(), world.clock().now() + world.patience(), std::move(operation));
  auto answer = co_await std::move(waiting);
  REQUIRE_MESSAGE(answer.has_value(), "no answer within the world's patience");
  co_return std::move(*answer);
}
Task<> soon_done(DatabaseWorld& world, Task<> operation);

Task<Result<std::vector<Rows>>> ran(DatabaseWorld& world, Batch batch);
Task<std::vector<Rows>> done(DatabaseWorld& world, Batch batch);  // and it must succeed
Task<std::vector<Rows>> done(DatabaseWorld& world, Statement statement);
Task<Rows> seen(DatabaseWorld& world, Statement statement);            // a read that must succeed
Task<std::int64_t> number(DatabaseWorld& world, Statement statement);  // the only value of the only row
Task<> check_number(DatabaseWorld& world, Statement statement, std::int64_t expected);
Task<> check_items(DatabaseWorld& world, std::int64_t expected);  // how many there are
Task<Result<Rows>> wrote(DatabaseWorld& world, RowWrite write);

// Retries what may pass until it is done: for a store that is just coming back.
Task<std::vector<Rows>> done_at_last(DatabaseWorld& world, std::function<Batch()> batch);

template <class T>
bool failed_as(const Result<T>& result, Kind kind) {
  if (!result && result.error().kind == kind) return true;
  MESSAGE("expected ", std::string{name_of(kind)}, ", got ",
          result ? std::string{"success"} : std::string{name_of(result.error().kind)} + ": " + result.error().sentence);
  return false;
}

// A listener that counts.
class Ear {
 public:
  Ear(Database& database, std::string channel);
  [[nodiscard]] int heard() const { return heard_; }
  void stop() { listening_.reset(); }

  // True as soon as it has been called `times` times in all; false when the world's patience ends first.
  Task<bool> hears(DatabaseWorld& world, int times);

 private:
  Task<> wait_for(int times);

  int heard_ = 0;
  Signal changed_;
  std::unique_ptr<Listening> listening_;
};

// Two rows in one batch, 2k and 2k+1, so that half a batch would show.
Batch pair_of_items(std::int64_t k);

// What a task that writes one pair after the other was told. It stops before its database goes.
struct Pairs {
  std::vector<std::int64_t> answered;  // done
  std::vector<std::int64_t> undone;    // failed, and certainly nothing was done
  std::int64_t next = 0;
  bool stop = false;
  Signal changed;
};
Task<> write_pairs(DatabaseWorld& world, Pairs& pairs);  // until told to stop
Task<> wait_for_answers(Pairs& pairs, std::size_t answers);

// Whole pairs alone, every answered one, none of the undone.
Task<> check_pairs(DatabaseWorld& world, std::vector<std::int64_t> answered, std::vector<std::int64_t> undone);

}  // namespace sluice::db::conformance
