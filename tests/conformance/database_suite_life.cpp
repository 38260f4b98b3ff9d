// What survives: a reopening, a crash, a store that goes away.
#include "common/async/scope.hpp"
#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {
namespace {

constexpr int writers = 16;

struct Call {
  bool begun = false;
  Result<std::vector<Rows>> answer = {};
};

Task<> begin(DatabaseWorld& world, std::int64_t k, Call& call) {
  auto running = world.database().run(pair_of_items(k));
  call.begun = true;
  call.answer = co_await std::move(running);
}

// Its own turn of the loop, after everything that is ready now.
Task<> turn(DatabaseWorld& world) {
  auto pause = world.clock().sleep_for(Duration{1});
  co_await std::move(pause);
}

}  // namespace

Task<> reopened_store(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, batch_of({item(1), item(2)}));

  co_await world.reopen();

  co_await check_items(world, 2);
  co_await done(world, item(3));
  co_await check_items(world, 3);
}

Task<> answered_survives(DatabaseWorld& world) {
  co_await make_tables(world);
  for (std::int64_t id = 0; id < 20; ++id) {
    co_await done(world, item(id));
    const auto written = co_await wrote(world, counter_row(counter_adds, "sum", 1));
    REQUIRE(written.has_value());
  }

  co_await world.crash();

  co_await check_items(world, 20);
  co_await check_number(world, {read_counter, {"sum"}}, 20);
  co_await done_at_last(world, [] { return batch_of({item(20)}); });
}

Task<> crash_in_the_middle(DatabaseWorld& world) {
  co_await make_tables(world);
  Pairs pairs;
  Scope scope{world.loop()};
  for (int writer = 0; writer < writers; ++writer) scope.start(write_pairs(world, pairs));
  co_await soon_done(world, wait_for_answers(pairs, 100));

  pairs.stop = true;
  co_await world.crash();
  co_await soon_done(world, scope.join());

  co_await check_pairs(world, pairs.answered, pairs.undone);
}

Task<> closing_finishes(DatabaseWorld& world) {
  co_await make_tables(world);
  std::vector<Call> calls(50);
  Scope scope{world.loop()};
  for (std::size_t k = 0; k < calls.size(); ++k) scope.start(begin(world, static_cast<std::int64_t>(k), calls[k]));
  while (!calls.back().begun) co_await turn(world);

  co_await soon_done(world, world.database().close());
  co_await soon_done(world, scope.join());

  for (const auto& call : calls) CHECK_MESSAGE(call.answer.has_value(), call.answer.error().sentence);
  const auto batch = co_await ran(world, batch_of({item(1)}));
  const auto row = co_await wrote(world, item_row(1));
  const auto read = co_await soon(world, world.database().read({count_items}));
  CHECK(failed_as(batch, Kind::stopping));
  CHECK(failed_as(row, Kind::stopping));
  CHECK(failed_as(read, Kind::stopping));
  co_await world.reopen();
  co_await check_items(world, 100);
}

Task<> away_and_back(DatabaseWorld& world) {
  co_await make_tables(world);
  co_await done(world, item(1));

  co_await world.go_away();
  const auto batch = co_await ran(world, batch_of({item(2)}));
  const auto row = co_await wrote(world, item_row(3));
  co_await world.come_back();

  CHECK(failed_as(batch, Kind::unavailable));
  CHECK(failed_as(row, Kind::unavailable));
  co_await done_at_last(world, [] { return batch_of({item(2), item(3)}); });
  co_await check_items(world, 3);
}

Task<> away_in_the_middle(DatabaseWorld& world) {
  co_await make_tables(world);
  Pairs pairs;
  Scope scope{world.loop()};
  for (int writer = 0; writer < writers; ++writer) scope.start(write_pairs(world, pairs));
  co_await soon_done(world, wait_for_answers(pairs, 50));

  co_await world.go_away();
  co_await turn(world);
  co_await world.come_back();
  co_await soon_done(world, wait_for_answers(pairs, pairs.answered.size() + 50));
  pairs.stop = true;
  co_await soon_done(world, scope.join());

  co_await check_pairs(world, pairs.answered, pairs.undone);
}

}  // namespace sluice::db::conformance
