// Rows written at the same time travel together, and each still gets its own answer.
#include <array>
#include <cstdint>
#include <map>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/scope.hpp"
#include "common/db/postgres_rows.hpp"
#include "tests/common/db/postgres_support.hpp"
#include "tests/support/seed.hpp"

namespace sluice::db {
namespace {

using namespace std::chrono_literals;
using RowAnswer = Result<Rows>;

const RowShape item{.table = "item", .columns = {"id", "name"}, .key = {"id"}, .returning = {"name"}};
const RowShape silent_item{.table = "item", .columns = {"id", "name"}, .key = {"id"}};
const RowShape replaced{.table = "item",
                        .columns = {"id", "name"},
                        .key = {"id"},
                        .on_conflict = "name = item.name || excluded.name",
                        .returning = {"name"}};

struct RowWorld : PostgresWorld {
  explicit RowWorld(PostgresSettings settings = {}) : PostgresWorld(std::move(settings)) {
    admin.ask("CREATE TABLE item (id bigint PRIMARY KEY, name text CHECK (name <> 'bad'))");
  }
  std::vector<RowAnswer> write(const std::vector<RowWrite>& writes) {
    std::vector<Task<RowAnswer>> tasks;
    for (const auto& write : writes) tasks.push_back(db->write_row(write));
    return run_all(std::move(tasks));
  }
  // Rows of one transaction share its number.
  std::string transactions() { return admin.ask_one("SELECT count(DISTINCT xmin::text) FROM item"); }
  std::string count() { return admin.ask_one("SELECT count(*) FROM item"); }
};

RowWrite row(const RowShape& shape, std::int64_t id, std::string name) {
  return {&shape, {Value{id}, Value{std::move(name)}}};
}

TEST_CASE("the text of a statement of rows") {
  CHECK(rows_text(silent_item, 1) ==
        "INSERT INTO item (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING id");
  CHECK(rows_text(replaced, 2) ==
        "INSERT INTO item (id, name) VALUES ($1, $2), ($3, $4) ON CONFLICT (id) DO UPDATE SET "
        "name = item.name || excluded.name RETURNING id, name");
}

TEST_CASE("rows written in one turn are one transaction") {
  RowWorld world;
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 30; ++id) writes.push_back(row(item, id, std::to_string(id)));

  const auto answers = world.write(writes);

  for (std::size_t id = 0; id < answers.size(); ++id) {
    REQUIRE(answers[id]);
    CHECK(answers[id]->touched == 1);
    CHECK(answers[id]->text(0, 0) == std::to_string(id));
  }
  CHECK(world.count() == "30");
  CHECK(world.transactions() == "1");
}

Task<> write_often(PostgresDatabase& db, std::int64_t first, int times) {
  for (int time = 0; time < times; ++time) {
    auto writing = db.write_row(row(item, first + time, "x"));
    const auto written = co_await std::move(writing);
    CHECK(written);
  }
}

TEST_CASE("what is written while a transaction is on its way shares the next one") {
  RowWorld world;
  std::vector<Task<>> tasks;
  for (std::int64_t writer = 0; writer < 32; ++writer) tasks.push_back(write_often(*world.db, writer * 1000, 20));

  world.run(detail::run_together(world.loop, std::move(tasks)));

  CHECK(world.count() == "640");
  CHECK(std::stoi(world.transactions()) < 100);
}

TEST_CASE("a transaction of rows has a bound of rows and of bytes") {
  RowWorld world({.rows_max = 8});
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 20; ++id) writes.push_back(row(item, id, "x"));
  for (std::int64_t id = 100; id < 106; ++id) writes.push_back(row(item, id, std::string(3'000'000, 'x')));

  for (const auto& answer : world.write(writes)) REQUIRE(answer);

  CHECK(world.admin.ask_one("SELECT count(DISTINCT xmin::text) FROM item WHERE id < 100") == "3");
  CHECK(world.admin.ask_one("SELECT count(DISTINCT xmin::text) >= 5 FROM item WHERE id >= 100") == "t");
}

TEST_CASE("a row that was there is not written and says so") {
  RowWorld world;
  world.write({row(item, 1, "first"), row(item, 3, "first")});

  const auto answers =
      world.write({row(item, 1, "second"), row(item, 2, "second"), row(item, 3, "second"), row(item, 4, "second")});

  for (const std::size_t there : {0U, 2U}) {
    REQUIRE(answers[there]);
    CHECK(answers[there]->empty());
    CHECK(answers[there]->touched == 0);
  }
  for (const std::size_t fresh : {1U, 3U}) {
    REQUIRE(answers[fresh]);
    CHECK(answers[fresh]->text(0, 0) == "second");
  }
}

TEST_CASE("only the guilty rows fail") {
  RowWorld world;
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 50; ++id) writes.push_back(row(item, id, id == 7 || id == 33 ? "bad" : "good"));

  const auto answers = world.write(writes);

  for (std::size_t id = 0; id < answers.size(); ++id) {
    const bool guilty = id == 7 || id == 33;
    REQUIRE(answers[id].has_value() != guilty);
    if (guilty) CHECK(answers[id].error().kind == Kind::conflict);
  }
  CHECK(world.count() == "48");
}

TEST_CASE("a row that waits for a lock keeps only itself waiting for good") {
  RowWorld world({.lock_wait_max = 50ms});
  world.write({row(item, 5, "there")});
  world.admin.ask("BEGIN; UPDATE item SET name = 'held' WHERE id = 5");
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 10; ++id) writes.push_back(row(replaced, id, "x"));

  const auto answers = world.write(writes);
  world.admin.ask("COMMIT");

  for (std::size_t id = 0; id < answers.size(); ++id) REQUIRE(answers[id].has_value() == (id != 5));
  CHECK(answers[5].error().kind == Kind::timed_out);
}

TEST_CASE("rows that all wait for one lock do not wait one after the other") {
  RowWorld world({.lock_wait_max = 300ms});
  world.admin.ask("BEGIN; LOCK TABLE item");
  std::vector<RowWrite> writes;
  for (std::int64_t id = 0; id < 30; ++id) writes.push_back(row(item, id, "x"));

  const auto before = world.clock.now();
  const auto answers = world.write(writes);
  const auto waited = world.clock.now() - before;
  world.admin.ask("COMMIT");

  for (const auto& answer : answers) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::timed_out);
  }
  CHECK(waited < 6s);  // one by one it would be nine seconds
  CHECK(world.count() == "0");
}

TEST_CASE("rows of one key take effect in the order in which they came") {
  RowWorld world;
  std::vector<RowWrite> writes;
  std::string expected;
  for (int time = 0; time < 26; ++time) {
    const std::string letter(1, static_cast<char>('a' + time));
    writes.push_back(row(replaced, 1, letter));
    writes.push_back(row(replaced, 1000 + time, letter));
    expected += letter;
  }

  const auto answers = world.write(writes);

  for (std::size_t time = 0; time < 26; ++time) {
    REQUIRE(answers[2 * time]);
    CHECK(answers[2 * time]->text(0, 0) == expected.substr(0, time + 1));
  }
  CHECK(world.admin.ask_one("SELECT name FROM item WHERE id = 1") == expected);
  CHECK(world.admin.ask_one("SELECT count(DISTINCT xmin::text) < 10 FROM item WHERE id >= 1000") == "t");  // of 26
}

// Against a map that does the same one row after the other.
TEST_CASE("random rows with conflicts and guilty ones answer as one by one") {
  RowWorld world({.rows_max = 16});
  SeededRandom random{test_seed()};
  std::map<std::int64_t, std::string> model;
  for (int round = 0; round < 20; ++round) {
    const auto& shape = random.one_in(2) ? item : replaced;
    std::vector<RowWrite> writes;
    for (auto left = random.below(60); left > 0; --left)
      writes.push_back(row(shape, static_cast<std::int64_t>(random.below(40)),
                           random.one_in(15) ? "bad" : std::string(1, static_cast<char>('a' + random.below(26)))));

    const auto answers = world.write(writes);

    for (std::size_t place = 0; place < writes.size(); ++place) {
      const auto id = std::get<std::int64_t>(writes[place].values[0]);
      const auto& name = std::get<std::string>(writes[place].values[1]);
      const auto known = model.find(id);
      const bool adds = known != model.end() && &shape == &replaced;
      // The check is made of the row to be inserted, before a conflict is looked for, and of the row that it becomes.
      if (name == "bad" || (adds && known->second + name == "bad")) {
        REQUIRE_FALSE(answers[place]);
        continue;
      }
      REQUIRE(answers[place]);
      if (known != model.end() && !adds) {
        CHECK(answers[place]->empty());
        continue;
      }
      auto& now = model[id];
      now += name;
      CHECK(answers[place]->text(0, 0) == now);
    }
  }
  CHECK(world.count() == std::to_string(model.size()));
}

TEST_CASE("keys may be bytes or texts or numbers or null") {
  static const RowShape keyed{
      .table = "keyed", .columns = {"a", "b", "c"}, .key = {"a", "b", "c"}, .returning = {"id"}};
  PostgresWorld world;
  world.admin.ask("CREATE TABLE keyed (id bigserial, a bytea, b text, c double precision, UNIQUE (a, b, c))");
  const std::vector<std::vector<Value>> keys{{Blob{std::string("\0\xff", 2)}, Value{"x"}, Value{0.1}},
                                             {Blob{""}, Value{""}, Value{-0.0}},
                                             {Value{}, Value{"x"}, Value{5}},
                                             {Value{}, Value{"x"}, Value{5}},
                                             {Blob{"a"}, Value{"ä"}, Value{1e300}}};
  std::vector<Task<RowAnswer>> tasks;
  for (const auto& key : keys) tasks.push_back(world.db->write_row({&keyed, key}));

  const auto answers = world.run_all(std::move(tasks));

  std::set<std::int64_t> ids;
  for (const auto& answer : answers) {
    REQUIRE(answer);
    ids.insert(answer->integer(0, 0));
  }
  CHECK(ids.size() == keys.size());  // unique indices never find two nulls equal
}

TEST_CASE("a key that its column changes is our mistake and told so") {
  static const RowShape padded{.table = "padded", .columns = {"id"}, .key = {"id"}};
  PostgresWorld world;
  world.admin.ask("CREATE TABLE padded (id char(5) PRIMARY KEY)");
  std::vector<Task<RowAnswer>> tasks;
  for (const auto* id : {"a", "b", "c", "d"}) tasks.push_back(world.db->write_row({&padded, {Value{id}}}));

  const auto answers = world.run_all(std::move(tasks));

  for (const auto& answer : answers) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::ours);
  }
}

TEST_CASE("a wide row keeps a statement below the protocol's bound of parameters") {
  static std::vector<std::string> names;
  static RowShape wide{.table = "wide", .columns = {}, .key = {"c0"}};
  std::string columns;
  for (int column = 0; column < 400; ++column) names.push_back(fmt::format("c{}", column));
  for (const auto& name : names) {
    wide.columns.emplace_back(name);
    columns += fmt::format("{}{} smallint", columns.empty() ? "" : ", ", name);
  }
  PostgresWorld world;
  world.admin.ask(fmt::format("CREATE TABLE wide ({}, PRIMARY KEY (c0))", columns));
  std::vector<Task<RowAnswer>> tasks;
  for (std::int64_t id = 0; id < 700; ++id)
    tasks.push_back(world.db->write_row({&wide, std::vector<Value>(400, Value{id})}));

  for (const auto& answer : world.run_all(std::move(tasks))) REQUIRE(answer);
  CHECK(world.admin.ask_one("SELECT count(*) FROM wide") == "700");
}

TEST_CASE("a row with a value too many is ours and one with bad text invalid") {
  RowWorld world;

  const auto too_many = world.run(world.db->write_row({&item, {Value{1}, Value{"a"}, Value{"b"}}}));
  const auto with_nul = world.run(world.db->write_row(row(item, 1, std::string("a\0b", 3))));

  REQUIRE_FALSE(too_many);
  CHECK(too_many.error().kind == Kind::ours);
  REQUIRE_FALSE(with_nul);
  CHECK(with_nul.error().kind == Kind::invalid);
  CHECK(world.count() == "0");
}

TEST_CASE("close writes the rows that wait for their turn") {
  RowWorld world;
  Scope scope{world.loop};
  std::vector<std::optional<RowAnswer>> answers(300);
  for (std::size_t id = 0; id < answers.size(); ++id)
    scope.start(detail::keep(answers, id, world.db->write_row(row(item, static_cast<std::int64_t>(id), "x"))));
  world.loop.run_ready();

  world.run(world.db->close());
  world.run(scope.join());

  for (const auto& answer : answers) CHECK(*answer);
  CHECK(world.count() == "300");
}

TEST_CASE("destroyed without close it answers the rows that wait") {
  RowWorld world({.rows_max = 4});
  Scope scope{world.loop};
  std::vector<std::optional<RowAnswer>> answers(30);
  for (std::size_t id = 0; id < answers.size(); ++id)
    scope.start(detail::keep(answers, id, world.db->write_row(row(item, static_cast<std::int64_t>(id), "x"))));
  world.loop.run_ready();

  world.db.reset();
  world.run(scope.join());

  for (const auto& answer : answers) CHECK(answer.has_value());
}

}  // namespace
}  // namespace sluice::db
