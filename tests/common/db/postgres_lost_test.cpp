// Connections that are refused, lost or silent: what was certainly not done is done again or told so, and what may have
// been done is never repeated.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/asio/ip/tcp.hpp>

#include "common/async/scope.hpp"
#include "common/db/postgres_dial.hpp"
#include "tests/common/db/postgres_proxy.hpp"
#include "tests/common/db/postgres_support.hpp"

namespace sluice::db {
namespace {

using namespace std::chrono_literals;
using Answer = Result<std::vector<Rows>>;

Batch insert(std::int64_t id) {
  return {.statements = {{"INSERT INTO item (id) VALUES ($1)", {Value{id}}}}};
}
Batch insert_expecting(std::int64_t id) {
  auto batch = insert(id);
  batch.statements.front().expect = Expect::exactly(1);
  return batch;
}

// A table, and a database that reaches its server by way of a proxy.
struct ProxyWorld : PostgresWorld {
  explicit ProxyWorld(PostgresSettings settings = {}) : proxy(loop, schema.url()) {
    admin.ask("CREATE TABLE item (id bigint PRIMARY KEY, name text)");
    settings.url = proxy.url();
    settings.reconnect_pause_min = 1ms;
    db = open(std::move(settings));
  }
  ~ProxyWorld() {
    db.reset();  // answers who still waits when a check has failed
    while (scope.size() > 0) loop.run_ready();
  }

  // Begins a call; its answer is looked at after run_until and finish.
  void begin(Batch batch) {
    answers.push_back(std::make_unique<std::optional<Answer>>());
    scope.start(keep(*answers.back(), db->run(std::move(batch))));
  }
  static Task<> keep(std::optional<Answer>& answer, Task<Answer> task) {
    auto result = co_await std::move(task);
    answer.emplace(std::move(result));
  }
  const Answer& answer(std::size_t place) const { return **answers.at(place); }

  // Turns the loop until what the server is asked becomes true.
  void run_until(const std::string& sql) {
    run_until([&] { return admin.ask_one(sql) == "t"; });
  }
  void run_until(const std::function<bool()>& seen) {
    const auto deadline = clock.now() + 30s;
    while (!seen()) {
      if (clock.now() > deadline) FAIL("it never became true");
      loop.run_ready();
    }
  }
  void finish() { run(scope.join()); }

  std::string backends(const std::string& condition) {
    return "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = current_schema AND " + condition;
  }
  void terminate_backends() {
    admin.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema");
  }
  std::string count() { return admin.ask_one("SELECT count(*) FROM item"); }

  PostgresProxy proxy;
  Scope scope{loop};
  std::vector<std::unique_ptr<std::optional<Answer>>> answers;
};

const std::string row_is_there = "SELECT count(*) > 0 FROM item";

// Why there is no connection, asked until an attempt has ended: the server may take longer than a call waits.
Failure why_not(PostgresWorld& world, PostgresDatabase& db) {
  const auto latest = world.clock.now() + 30s;
  while (true) {
    auto answer = world.run(db.read({"SELECT 1", {}}));
    REQUIRE_FALSE(answer);
    const bool is_open = answer.error().sentence.find("there was no connection") != std::string::npos;
    if (!is_open || world.clock.now() > latest) return std::move(answer).error();
  }
}

TEST_CASE("a server that refuses makes a call unavailable") {
  PostgresWorld world;
  boost::asio::ip::tcp::acceptor unused(world.loop.context(), {boost::asio::ip::address_v4::loopback(), 0});
  const auto url = fmt::format("postgresql://sluice@127.0.0.1:{}/sluice", unused.local_endpoint().port());
  unused.close();
  const auto db = world.open({.url = url, .away_wait_max = 200ms});

  const auto done = world.run(db->run(insert(1)));
  const auto why = why_not(world, *db);
  world.run(db->close());

  REQUIRE_FALSE(done);
  CHECK(done.error().kind == Kind::unavailable);
  CHECK(why.kind == Kind::unavailable);
  CHECK(why.sentence.find("refused") != std::string::npos);
}

TEST_CASE("a database or user that is not there is named and no fault of the call") {
  PostgresWorld world;
  const auto server = postgres_url_of_tests();
  const auto no_database = world.open({.url = with_database(server, "nowhere"), .away_wait_max = 100ms});
  const auto no_user = world.open({.url = with_parameter(server, "user=nobody_here"), .away_wait_max = 100ms});

  const auto without_database = why_not(world, *no_database);
  const auto without_user = why_not(world, *no_user);

  CHECK(without_database.kind == Kind::unavailable);
  CHECK(without_database.sentence.find("no such database") != std::string::npos);
  CHECK(without_user.kind == Kind::unavailable);
  CHECK(without_user.sentence.find("user or password") != std::string::npos);
}

TEST_CASE("a server that accepts and says nothing makes a call unavailable in time") {
  ProxyWorld world({.connect_wait_max = 100ms});
  world.proxy.hold_answers();

  world.begin(insert(1));
  world.finish();

  REQUIRE_FALSE(world.answer(0));
  CHECK(world.answer(0).error().kind == Kind::unavailable);
  CHECK(world.proxy.accepted() > 1);
}

TEST_CASE("after a failure one connection is attempted at a time however many calls wait") {
  ProxyWorld world({.connect_wait_max = 2s, .away_wait_max = 20s});
  world.proxy.hold_answers();
  world.begin(insert(0));
  world.run_until([&] { return world.proxy.accepted() == 2; });  // the first attempt has failed

  for (std::int64_t id = 1; id <= 30; ++id) world.begin(insert(id));
  for (int turn = 0; turn < 100; ++turn) world.loop.run_ready();

  CHECK(world.proxy.accepted() == 2);
  world.proxy.let_answers_go();
  world.finish();
  for (std::size_t place = 0; place <= 30; ++place) CHECK(world.answer(place));
}

TEST_CASE("a call begun while the server is away is done when it comes back in time") {
  ProxyWorld world({.away_wait_max = 20s});
  world.proxy.refuse(true);
  world.begin(insert(1));
  world.run_until([&] { return world.proxy.accepted() >= 3; });

  world.proxy.refuse(false);
  world.finish();

  CHECK(world.answer(0));
  CHECK(world.count() == "1");
}

TEST_CASE("pauses between attempts double between their bounds and begin anew after a success") {
  SeededRandom random{1};
  ReconnectPause pause(random, 100ms, 5000ms);

  for (int round = 0; round < 2; ++round) {
    Duration most = 100ms;
    for (int failure = 0; failure < 70; ++failure) {
      const auto wait = pause.after_failure();
      CHECK(wait >= most / 2);
      CHECK(wait <= most);
      most = std::min<Duration>(most * 2, 5000ms);
    }
    pause.succeeded();
  }
}

TEST_CASE("a write whose answer was lost may have been done and is not repeated") {
  ProxyWorld world;
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_answers();
  world.begin(insert(1));
  world.run_until("SELECT count(*) = 2 FROM item");

  world.proxy.cut();
  world.proxy.let_answers_go();
  world.finish();

  REQUIRE_FALSE(world.answer(0));
  CHECK(world.answer(0).error().kind == Kind::maybe_done);
  CHECK(world.count() == "2");
}

TEST_CASE("a write that was lost on its way may have been done for all we know") {
  ProxyWorld world;
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_questions();
  world.begin(insert(1));
  world.run_until([&] { return world.proxy.held_bytes() > 0; });

  world.proxy.cut();
  world.proxy.let_questions_go();
  world.finish();

  REQUIRE_FALSE(world.answer(0));
  CHECK(world.answer(0).error().kind == Kind::maybe_done);
  CHECK(world.count() == "1");
}

TEST_CASE("a read whose answer was lost is asked again") {
  ProxyWorld world;
  REQUIRE(world.run(insert(7)));
  world.proxy.hold_answers();
  std::vector<std::optional<Result<Rows>>> read(1);
  world.scope.start(detail::keep(read, 0, world.db->read({"SELECT id FROM item", {}})));
  world.run_until([&] { return world.proxy.held_bytes() > 0; });

  world.proxy.cut();
  world.proxy.let_answers_go();
  world.finish();

  REQUIRE(*read[0]);
  CHECK((*read[0])->integer(0, 0) == 7);
}

TEST_CASE("a read is not asked again for ever") {
  ProxyWorld world({.away_wait_max = 20s});
  REQUIRE(world.run(insert(7)));
  std::vector<std::optional<Result<Rows>>> read(1);
  world.scope.start(detail::keep(read, 0, world.db->read({"SELECT id, pg_sleep(30) FROM item", {}})));

  int cuts = 0;
  world.run_until([&] {
    if (world.admin.ask_one(world.backends("query LIKE '%pg_sleep(30)%' AND state = 'active'")) == "t") {
      world.terminate_backends();
      ++cuts;
      world.admin.wait_until(world.backends("query LIKE '%pg_sleep(30)%'").replace(0, 19, "SELECT count(*) = 0"));
    }
    return read[0].has_value();
  });

  REQUIRE_FALSE(*read[0]);
  CHECK(read[0]->error().kind == Kind::unavailable);
  CHECK(cuts == 4);
}

TEST_CASE("a transaction lost before its commit is done again and once") {
  ProxyWorld world({.connections_max = 1});
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_answers();
  world.begin(insert_expecting(1));
  world.run_until(world.backends("state = 'idle in transaction'"));

  world.proxy.cut();
  world.proxy.let_answers_go();
  world.finish();

  CHECK(world.answer(0));
  CHECK(world.count() == "2");
}

TEST_CASE("a transaction whose commit was lost may have been done") {
  ProxyWorld world({.connections_max = 1});
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_answers();
  world.begin(insert_expecting(1));
  world.run_until(world.backends("state = 'idle in transaction'"));
  world.proxy.hold_questions();
  world.proxy.let_answers_go();
  world.run_until([&] { return world.proxy.held_bytes() > 0; });  // the COMMIT

  SUBCASE("and was not") {
    world.proxy.cut();
    world.proxy.let_questions_go();
    world.finish();
    CHECK(world.count() == "1");
  }
  SUBCASE("and was") {
    world.proxy.hold_answers();
    world.proxy.let_questions_go();
    world.run_until("SELECT count(*) = 2 FROM item");
    world.proxy.cut();
    world.proxy.let_answers_go();
    world.finish();
    CHECK(world.count() == "2");
  }

  REQUIRE_FALSE(world.answer(0));
  CHECK(world.answer(0).error().kind == Kind::maybe_done);
}

// As after a process was frozen: the counts and the server's last word are read in one go.
TEST_CASE("a transaction that the server has ended for idling is done again and once") {
  ProxyWorld world({.connections_max = 1, .statement_wait_max = 200ms});
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_answers();
  world.begin(insert_expecting(1));
  world.run_until(world.backends("state = 'idle in transaction'"));
  world.run_until("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = current_schema");

  world.proxy.let_answers_go();
  world.finish();

  CHECK_MESSAGE(world.answer(0), (world.answer(0) ? "" : world.answer(0).error().sentence));
  CHECK(world.count() == "2");
}

TEST_CASE("rows that wait fail together when there is no way to the server") {
  static const RowShape item{.table = "item", .columns = {"id"}, .key = {"id"}};
  ProxyWorld world({.rows_max = 2, .away_wait_max = 200ms});
  world.proxy.refuse(true);
  std::vector<Task<Result<Rows>>> tasks;
  for (std::int64_t id = 0; id < 200; ++id) tasks.push_back(world.db->write_row({&item, {Value{id}}}));

  const auto before = world.clock.now();
  const auto answers = world.run_all(std::move(tasks));

  for (const auto& answer : answers) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::unavailable);
  }
  CHECK(world.clock.now() - before < 5s);  // group by group it would be twenty seconds
}

TEST_CASE("a conflict that was found stays a conflict when the connection is lost before the rollback is answered") {
  ProxyWorld world({.connections_max = 1});
  REQUIRE(world.run(insert(0)));
  auto batch = insert(1);
  batch.statements.front().expect = Expect::exactly(2);
  world.proxy.hold_answers();
  world.begin(std::move(batch));
  world.run_until(world.backends("state = 'idle in transaction'"));
  world.proxy.hold_questions();
  world.proxy.let_answers_go();
  world.run_until([&] { return world.proxy.held_bytes() > 0; });  // the ROLLBACK

  world.proxy.cut();
  world.proxy.let_questions_go();
  world.finish();

  REQUIRE_FALSE(world.answer(0));
  CHECK(world.answer(0).error().kind == Kind::conflict);
  CHECK(world.count() == "1");
}

TEST_CASE("what the server says with its last word was not done is done again") {
  ProxyWorld world({.connections_max = 1});
  REQUIRE(world.run(insert(0)));
  world.admin.ask("BEGIN; UPDATE item SET name = 'held'");
  world.begin(
      {.statements = {{"INSERT INTO item (id) VALUES (100)", {}}, {"UPDATE item SET name = 'mine' WHERE id = 0", {}}}});
  for (std::int64_t id = 1; id <= 5; ++id) world.begin(id < 4 ? insert(id) : insert_expecting(id));
  PostgresAdmin other(world.schema.url());
  world.run_until([&] { return other.ask_one(world.backends("wait_event_type = 'Lock'")) == "t"; });

  other.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema");
  world.admin.ask("COMMIT");
  world.finish();

  for (std::size_t place = 0; place < 6; ++place) CHECK(world.answer(place));
  CHECK(world.count() == "7");
}

// Without a turn of the loop between the end of the connection and its next use, in this test and the next.
TEST_CASE("an idle connection that was cut is not used") {
  ProxyWorld world({.connections_max = 1});
  for (std::int64_t id = 0; id < 20; ++id) {
    REQUIRE(world.run(insert(id)));
    world.proxy.cut();
  }
  CHECK(world.count() == "20");
}

TEST_CASE("an idle connection that the server has closed is not used") {
  PostgresWorld world({.connections_max = 1});
  world.admin.ask("CREATE TABLE item (id bigint PRIMARY KEY, name text)");
  for (std::int64_t id = 0; id < 20; ++id) {
    REQUIRE(world.run(insert(id)));
    world.admin.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema");
    world.admin.wait_until("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = current_schema");
  }
  CHECK(world.admin.ask_one("SELECT count(*) FROM item") == "20");
}

TEST_CASE("a server that falls silent is given up") {
  ProxyWorld world({.silence_max = 1'000ms});
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_answers();

  world.begin(insert(1));
  world.finish();
  world.proxy.let_answers_go();

  REQUIRE_FALSE(world.answer(0));
  CHECK(world.answer(0).error().kind == Kind::maybe_done);
  CHECK(world.run(insert(2)));
}

TEST_CASE("a full socket is waited for and its answers are read meanwhile") {
  ProxyWorld world({.connections_max = 1});
  const std::string text(500'000, 'x');
  REQUIRE(world.run(insert(0)));
  world.proxy.hold_questions();
  for (int time = 0; time < 40; ++time)
    world.begin({.statements = {{"SELECT $1::text || id FROM item WHERE id = 0", {Value{text}}}}});
  world.run_until([&] { return world.proxy.held_bytes() > 1'000'000; });

  world.proxy.let_questions_go();
  world.finish();

  for (std::size_t place = 0; place < 40; ++place) {
    REQUIRE(world.answer(place));
    CHECK(world.answer(place)->front().text(0, 0).size() == text.size() + 1);
  }
}

}  // namespace
}  // namespace sluice::db
