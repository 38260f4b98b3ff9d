// The bounds of calls, what happens to callers that go, and the end of it all.
#include <thread>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/common/db/postgres_items.hpp"

namespace sluice::db {
namespace {

TEST_CASE("connections are opened as they are needed and never more than the bound") {
  ItemWorld world({.connections_max = 3});

  world.run(insert(1));
  const auto for_one = world.connections();
  std::vector<Task<Answer>> tasks;
  for (std::int64_t id = 2; id < 500; ++id) tasks.push_back(world.db->run(insert(id)));
  world.run_all(std::move(tasks));

  CHECK(for_one == "1");
  CHECK(world.connections() == "3");
  CHECK(world.count() == "499");
}

TEST_CASE("above the bound of calls the answer is overloaded and nothing was done") {
  ItemWorld world({.connections_max = 1, .calls_max = 10});
  std::vector<Task<Answer>> tasks;
  for (std::int64_t id = 0; id < 25; ++id) tasks.push_back(world.db->run(insert(id)));

  const auto answers = world.run_all(std::move(tasks));

  for (std::size_t place = 0; place < answers.size(); ++place) {
    CHECK(answers[place].has_value() == (place < 10));
    if (place >= 10) CHECK(answers[place].error().kind == Kind::overloaded);
  }
  CHECK(world.count() == "10");
  CHECK(world.run(insert(100)));
}

TEST_CASE("above the bound of bytes the answer is overloaded") {
  ItemWorld world({.calls_bytes_max = 100'000});
  const auto large = [](std::int64_t id) {
    return one({"INSERT INTO item VALUES ($1, $2)", {Value{id}, Value{std::string(60'000, 'x')}}});
  };
  std::vector<Task<Answer>> tasks;
  tasks.push_back(world.db->run(large(1)));
  tasks.push_back(world.db->run(large(2)));

  const auto answers = world.run_all(std::move(tasks));

  CHECK(answers[0]);
  REQUIRE_FALSE(answers[1]);
  CHECK(answers[1].error().kind == Kind::overloaded);
  CHECK(world.run(large(3)));
}

TEST_CASE("who waits for somebody's lock is told after the bound and nothing was done") {
  ItemWorld world({.lock_wait_max = std::chrono::milliseconds{50}});
  world.run(insert(1));
  world.admin.ask("BEGIN; UPDATE item SET name = 'held'");

  const auto done =
      world.run({.statements = {{"INSERT INTO item (id) VALUES (2)", {}}, {"UPDATE item SET name = 'mine'", {}}}});
  world.admin.ask("COMMIT");

  REQUIRE_FALSE(done);
  CHECK(done.error().kind == Kind::timed_out);
  CHECK(world.count() == "1");
}

TEST_CASE("a statement that takes too long is ended and nothing was done") {
  ItemWorld world({.statement_wait_max = std::chrono::milliseconds{50}});

  const auto done = world.run({.statements = {{"INSERT INTO item (id) VALUES (2)", {}}, {"SELECT pg_sleep(30)", {}}}});

  REQUIRE_FALSE(done);
  CHECK(done.error().kind == Kind::timed_out);
  CHECK(world.count() == "0");
}

TEST_CASE("a batch that found all connections busy for too long is overloaded") {
  ItemWorld world({.connections_max = 1, .in_flight_max = 1, .queue_wait_max = std::chrono::milliseconds{50}});
  world.run(insert(1));
  world.admin.ask("BEGIN; UPDATE item SET name = 'held'");
  std::vector<Task<Answer>> tasks;
  tasks.push_back(world.db->run(one({"UPDATE item SET name = 'mine'", {}})));
  tasks.push_back(world.db->run(insert(2)));

  Scope scope{world.loop};
  std::vector<std::optional<Answer>> answers(2);
  scope.start(detail::keep(answers, 0, std::move(tasks[0])));
  world.loop.run_ready();
  world.run(detail::keep(answers, 1, std::move(tasks[1])));
  world.admin.ask("COMMIT");
  world.run(scope.join());

  REQUIRE_FALSE(*answers[1]);
  CHECK(answers[1]->error().kind == Kind::overloaded);
  CHECK(*answers[0]);
  CHECK(world.count() == "1");
}

TEST_CASE("two batches that lock each other out are both done in the end") {
  ItemWorld world({.connections_max = 2});
  world.admin.ask("INSERT INTO item VALUES (1, ''), (2, '')");
  world.admin.ask(
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 10', current_database()); END $$");
  world.admin.ask("CREATE SEQUENCE tries");
  world.admin.ask(
      "CREATE FUNCTION count_try() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM nextval('tries'); RETURN NEW; END $$");
  world.admin.ask("CREATE TRIGGER counting BEFORE UPDATE ON item EXECUTE FUNCTION count_try()");
  const auto both_ways = [](bool forth) {
    const Statement first{"UPDATE item SET name = name || 'x' WHERE id = 1", {}};
    const Statement second{"UPDATE item SET name = name || 'x' WHERE id = 2", {}};
    const Statement pause{"SELECT pg_sleep(0.02)", {}};
    return forth ? Batch{.statements = {first, pause, second}} : Batch{.statements = {second, pause, first}};
  };

  for (int time = 0; time < 10; ++time) {
    std::vector<Task<Answer>> tasks;
    tasks.push_back(world.db->run(both_ways(true)));
    tasks.push_back(world.db->run(both_ways(false)));
    const auto answers = world.run_all(std::move(tasks));
    CHECK(answers[0]);
    CHECK(answers[1]);
  }

  CHECK(world.admin.ask_one("SELECT bool_and(length(name) = 20) FROM item") == "t");
  CHECK(world.admin.ask_one("SELECT last_value > 40 FROM tries") == "t");  // without a deadlock it would be 40
}

TEST_CASE("what cannot be serialized is tried again three times and then told as nothing done") {
  ItemWorld world;
  world.admin.ask("CREATE SEQUENCE tries");
  world.admin.ask(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION USING ERRCODE = '40001'; END $$");
  world.admin.ask("CREATE TRIGGER refusing BEFORE INSERT ON item EXECUTE FUNCTION refuse()");

  const auto done = world.run(insert(1));

  REQUIRE_FALSE(done);
  CHECK(done.error().kind == Kind::unavailable);
  CHECK(world.admin.ask_one("SELECT last_value FROM tries") == "4");
}

TEST_CASE("a megabyte goes in and comes back") {
  ItemWorld world;
  const std::string text(1'000'000, 'm');
  REQUIRE(world.run(one({"INSERT INTO item VALUES ($1, $2)", {Value{1}, Value{text}}})));

  std::vector<Task<Result<Rows>>> tasks;
  for (int time = 0; time < 20; ++time)
    tasks.push_back(world.db->read({"SELECT name, $1::text FROM item", {Value{text}}}));
  const auto answers = world.run_all(std::move(tasks));

  for (const auto& rows : answers) {
    REQUIRE(rows);
    CHECK(rows->text(0, 0) == text);
    CHECK(rows->text(0, 1) == text);
  }
}

TEST_CASE("a cancelled caller leaves its connection in order") {
  ItemWorld world(one_connection());
  world.run(insert(0));

  for (std::int64_t round = 0; round < 20; ++round) {
    Scope scope{world.loop};
    std::vector<std::optional<Answer>> answers(10);
    for (std::size_t place = 0; place < answers.size(); ++place) {
      auto batch = insert(1000 * round + static_cast<std::int64_t>(place) + 1);
      if (place % 2 == 0) batch.statements.front().expect = Expect::exactly(1);
      scope.start(detail::keep(answers, place, world.db->run(std::move(batch))));
    }
    for (std::int64_t turn = 0; turn < round; ++turn) world.loop.run_one_ready();
    scope.cancel();
    world.run(scope.join());
    const auto rows = world.read({"SELECT id FROM item WHERE id = $1", {Value{0}}});
    REQUIRE(rows);
    CHECK(rows->integer(0, 0) == 0);
  }

  world.run(world.db->close());
  CHECK(world.admin.ask_one("SELECT bool_and(id % 1000 <= 10) FROM item") == "t");
}

TEST_CASE("calls may be made from another loop") {
  ItemWorld world;
  std::vector<Answer> answers;
  world.loop.hold();

  std::thread other([&] {
    Loop loop;
    for (std::int64_t id = 0; id < 50; ++id) answers.push_back(run_task(loop, world.db->run(insert(id))));
    run_task(loop, world.db->close());
    answers.push_back(run_task(loop, world.db->run(insert(100))));
    world.loop.stop();
  });
  world.loop.run();
  other.join();

  for (std::size_t id = 0; id < 50; ++id) CHECK(answers[id]);
  REQUIRE_FALSE(answers[50]);
  CHECK(answers[50].error().kind == Kind::stopping);
  CHECK(world.count() == "50");
}

TEST_CASE("close finishes what was submitted and refuses what comes later") {
  ItemWorld world;
  Scope scope{world.loop};
  std::vector<std::optional<Answer>> answers(100);
  for (std::size_t place = 0; place < answers.size(); ++place)
    scope.start(detail::keep(answers, place, world.db->run(insert(static_cast<std::int64_t>(place)))));
  while (world.loop.run_one_ready() > 0) {
  }

  world.run(world.db->close());
  world.run(world.db->close());
  world.run(scope.join());
  const auto later = world.run(insert(1000));

  for (const auto& answer : answers) CHECK(*answer);
  REQUIRE_FALSE(later);
  CHECK(later.error().kind == Kind::stopping);
  CHECK(world.count() == "100");
  world.admin.wait_until("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = current_schema");
}

TEST_CASE("destroyed without close it still answers everybody") {
  ItemWorld world;
  world.run(insert(1000));
  Scope scope{world.loop};
  std::vector<std::optional<Answer>> answers(50);
  for (std::size_t place = 0; place < answers.size(); ++place)
    scope.start(detail::keep(answers, place, world.db->run(insert(static_cast<std::int64_t>(place)))));
  world.loop.run_ready();  // now every call has begun

  world.db.reset();
  world.run(scope.join());

  for (const auto& answer : answers) {
    if (*answer) continue;
    const auto kind = answer->error().kind;
    CHECK((kind == Kind::maybe_done || kind == Kind::stopping));
  }
}

}  // namespace
}  // namespace sluice::db
