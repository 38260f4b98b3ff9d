// Faults on request and by chance, crashes, cuts; and that a seed decides it all.
#include "common/db/simulated_database.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/scope.hpp"
#include "tests/common/db/numbers_table.hpp"
#include "tests/support/world.hpp"

namespace sluice::db {
namespace {

constexpr Sql count_rows = "SELECT count(*) FROM t";

struct SimulatedFixture {
  explicit SimulatedFixture(std::uint64_t seed = test_seed()) : world(seed) {
    Batch create;
    create.statements.push_back({"CREATE TABLE t (n bigint PRIMARY KEY)"});
    REQUIRE(store.run_now(create).has_value());
  }
  [[nodiscard]] std::int64_t rows() { return store.read_now({count_rows})->integer(0, 0); }

  SimulatedWorld world;
  SimulatedStore store;
  SimulatedDatabase database{store, world.loop, world.clock, world.random};
};

// A call, its answer when it has come.
struct Call {
  bool begun = false;
  std::optional<Result<std::vector<Rows>>> answer;
};
Task<> begin(Database& database, std::int64_t n, Call& call) {
  auto running = database.run(insert(n));
  call.begun = true;
  call.answer = co_await std::move(running);
}

void start(SimulatedFixture& fixture, Database& database, std::int64_t n, Call& call) {
  spawn(fixture.world.loop, begin(database, n, call), or_die("a call"));
  fixture.world.clock.run_until([&] { return call.begun; }, std::chrono::seconds{1});
}

Kind kind_of(const Call& call) {
  REQUIRE(call.answer.has_value());
  REQUIRE_FALSE(call.answer->has_value());
  return call.answer->error().kind;
}

}  // namespace

TEST_CASE("a failure on request comes once and nothing was done") {
  SimulatedFixture fixture;
  for (const auto kind : {Kind::unavailable, Kind::overloaded, Kind::timed_out, Kind::exhausted, Kind::conflict}) {
    fixture.database.fail_next(kind);
    const auto failed = fixture.world.run(fixture.database.run(insert(1)));
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().kind == kind);
  }
  CHECK(fixture.rows() == 0);

  CHECK(fixture.world.run(fixture.database.run(insert(1))).has_value());
  CHECK(fixture.rows() == 1);
}

TEST_CASE("maybe done on request is done or not as asked for") {
  SimulatedFixture fixture;

  fixture.database.fail_next(Kind::maybe_done);
  fixture.database.fail_next_undone();
  const auto done = fixture.world.run(fixture.database.run(insert(1)));
  const auto undone = fixture.world.run(fixture.database.write_row({&shape, {2}}));

  CHECK(done.error().kind == Kind::maybe_done);
  CHECK(undone.error().kind == Kind::maybe_done);
  CHECK(fixture.store.read_now({"SELECT n FROM t"})->integer(0, 0) == 1);
  CHECK(fixture.rows() == 1);
}

TEST_CASE("a crash keeps what was committed and ends every call of the process") {
  SimulatedFixture fixture;
  std::vector<Call> calls(40);
  for (std::size_t n = 0; n < calls.size(); ++n)
    start(fixture, fixture.database, static_cast<std::int64_t>(n), calls[n]);
  fixture.world.clock.run_for(std::chrono::milliseconds{1});  // some have arrived, some answers are on their way

  const auto committed = fixture.rows();
  fixture.database.crash();
  fixture.world.clock.run_until_idle();
  const auto later = fixture.world.run(fixture.database.read({count_rows}));
  SimulatedDatabase next(fixture.store, fixture.world.loop, fixture.world.clock, fixture.world.random);
  const auto seen = fixture.world.run(next.read({count_rows}));

  CHECK(committed > 0);
  CHECK(committed < 40);
  int answered_before = 0;
  for (const auto& call : calls) {
    REQUIRE(call.answer.has_value());
    if (call.answer->has_value()) ++answered_before;
    if (!call.answer->has_value()) CHECK(kind_of(call) == Kind::stopping);
  }
  CHECK(answered_before < committed);
  CHECK(later.error().kind == Kind::stopping);
  REQUIRE(seen.has_value());
  CHECK(seen->integer(0, 0) == committed);
}

TEST_CASE("a cut makes what has not arrived unavailable and what was done maybe done") {
  SimulatedFixture fixture;
  std::vector<Call> calls(40);
  for (std::size_t n = 0; n < calls.size(); ++n)
    start(fixture, fixture.database, static_cast<std::int64_t>(n), calls[n]);
  fixture.world.clock.run_for(std::chrono::milliseconds{1});

  fixture.database.cut();
  const auto committed = fixture.rows();
  fixture.world.clock.run_until_idle();

  std::int64_t known_or_open = 0;
  for (std::size_t n = 0; n < calls.size(); ++n) {
    const auto id = static_cast<std::int64_t>(n);
    const bool there = !fixture.store.read_now({"SELECT n FROM t WHERE n = $1", {id}})->empty();
    REQUIRE(calls[n].answer.has_value());
    if (!calls[n].answer->has_value()) CHECK(kind_of(calls[n]) == (there ? Kind::maybe_done : Kind::unavailable));
    if (there) ++known_or_open;
  }
  CHECK(known_or_open == committed);
  CHECK(fixture.world.run(fixture.database.run(insert(99))).error().kind == Kind::unavailable);

  fixture.database.mend();
  CHECK(fixture.world.run(fixture.database.run(insert(99))).has_value());
}

TEST_CASE("a call that was on its way when the way was cut and mended is unavailable") {
  SimulatedFixture fixture;
  Call call;
  start(fixture, fixture.database, 1, call);

  fixture.database.cut();
  fixture.database.mend();
  fixture.world.clock.run_until_idle();

  CHECK(kind_of(call) == Kind::unavailable);
  CHECK(fixture.rows() == 0);
}

TEST_CASE("listeners are called after a cut since notices may have been missed") {
  SimulatedFixture fixture;
  int heard = 0;
  const auto listening = fixture.database.listen("a", [&] { ++heard; });
  fixture.database.cut();
  Batch notice;
  notice.notices.emplace_back("a");

  REQUIRE(fixture.store.run_now(notice).has_value());
  fixture.world.clock.run_until_idle();
  CHECK(heard == 0);
  fixture.database.mend();
  fixture.world.clock.run_until_idle();
  CHECK(heard == 1);
}

TEST_CASE("a store goes back to the rows that it began with") {
  SimulatedStore store;
  REQUIRE(store.run_now({{{"CREATE TABLE full (id integer PRIMARY KEY, name text UNIQUE)", {}}}}).has_value());
  REQUIRE(store.run_now({{{"CREATE TABLE empty (id integer PRIMARY KEY)", {}}}}).has_value());
  REQUIRE(store.run_now({{{"INSERT INTO full VALUES (7, 'seven'), (9, 'nine')", {}}}}).has_value());
  store.keep_as_beginning();
  const auto names = [&] {
    return store.read_now({"SELECT group_concat(id || name) FROM (SELECT * FROM full ORDER BY id)"})->text(0, 0);
  };

  for (int round = 0; round < 2; ++round) {
    REQUIRE(store.run_now({{{"DELETE FROM full WHERE id = 7", {}}}}).has_value());
    REQUIRE(store.run_now({{{"UPDATE full SET name = 'ten'", {}}}}).has_value());
    REQUIRE(store.run_now({{{"INSERT INTO full (name) VALUES ('seven')", {}}}}).has_value());
    REQUIRE(store.run_now({{{"INSERT INTO empty VALUES (1)", {}}}}).has_value());
    CHECK(names() == "9ten,10seven");
    store.begin_again();
    CHECK(names() == "7seven,9nine");
    CHECK(store.read_now({"SELECT count(*) FROM empty"})->integer(0, 0) == 0);
  }
}

TEST_CASE("a store tells whether rows were written") {
  SimulatedFixture fixture;
  const auto before = fixture.store.rows_written();
  CHECK(fixture.rows() == 0);
  CHECK(fixture.store.rows_written() == before);
  REQUIRE(fixture.store.run_now(insert(1)).has_value());
  CHECK(fixture.store.rows_written() > before);
}

TEST_CASE("what runs at once shares the store and tells its notices") {
  SimulatedFixture fixture;
  int heard = 0;
  const auto listening = fixture.database.listen("a", [&] { ++heard; });
  Batch batch = insert(1);
  batch.notices.emplace_back("a");
  Batch twice = insert(2);
  twice.statements.push_back(insert(1).statements.front());
  twice.notices.emplace_back("a");

  const auto done = fixture.database.run_now(batch);
  const auto failed = fixture.database.run_now(twice);
  fixture.world.clock.run_until_idle();

  CHECK(done.has_value());
  CHECK(failed.error().kind == Kind::conflict);
  CHECK(fixture.rows() == 1);
  CHECK(heard == 1);
}

namespace {

// A few processes that write rows while everything may go wrong; what each call was told and when.
std::string history(std::uint64_t seed) {
  SimulatedFixture fixture(seed);
  std::string lines;
  fixture.database.set_faults(
      {.unavailable = 50, .overloaded = 50, .timed_out = 50, .exhausted = 50, .maybe_done = 100});
  std::vector<Call> calls(200);
  for (std::size_t n = 0; n < calls.size(); ++n) {
    spawn(fixture.world.loop, begin(fixture.database, static_cast<std::int64_t>(n), calls[n]), or_die("a call"));
    fixture.world.clock.run_for(fixture.world.random.between(Duration{0}, std::chrono::microseconds{200}));
    if (n == 100) fixture.database.cut();
    if (n == 120) fixture.database.mend();
    lines += fmt::format("{} {}\n", fixture.world.clock.now().time_since_epoch().count(), fixture.rows());
  }
  fixture.world.clock.run_until_idle();
  for (std::size_t n = 0; n < calls.size(); ++n) {
    const bool there = !fixture.store.read_now({"SELECT n FROM t WHERE n = $1", {std::int64_t(n)}})->empty();
    const auto& answer = *calls[n].answer;
    if (answer) CHECK(there);
    if (!answer && answer.error().kind != Kind::maybe_done) CHECK_FALSE(there);
    lines += answer ? std::string{"done"} : std::string{name_of(answer.error().kind)};
  }
  return lines;
}

}  // namespace

TEST_CASE("the same seed gives the same history and another one another") {
  const auto seed = test_seed();

  const auto once = history(seed);

  CHECK(once == history(seed));
  CHECK(once != history(seed + 1));
  for (const auto* kind : {"done", "unavailable", "overloaded", "timed_out", "exhausted", "maybe_done"}) {
    CAPTURE(kind);
    CHECK(once.find(kind) != std::string::npos);
  }
}

TEST_CASE("whatever goes wrong an answer says the truth for every seed") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) history(test_seed() + seed);
}

}  // namespace sluice::db
