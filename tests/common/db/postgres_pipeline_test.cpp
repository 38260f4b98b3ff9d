// Batches and reads: what shares a connection does not share a fate.
#include <doctest/doctest.h>

#include "tests/common/db/postgres_items.hpp"

namespace sluice::db {
namespace {

TEST_CASE("a batch answers with one Rows for each statement") {
  ItemWorld world;

  const auto done = world.run({.statements = {{"INSERT INTO item VALUES ($1, $2)", {Value{1}, Value{"one"}}},
                                              {"SELECT id, name FROM item", {}},
                                              {"UPDATE item SET name = $1", {Value{"uno"}}},
                                              {"CREATE TABLE other (id bigint)", {}}},
                               .notices = {"nobody"}});

  REQUIRE(done);
  REQUIRE(done->size() == 4);
  CHECK((*done)[0].touched == 1);
  CHECK((*done)[1].integer(0, 0) == 1);
  CHECK((*done)[1].text(0, 1) == "one");
  CHECK((*done)[1].touched == 1);
  CHECK((*done)[2].touched == 1);
  CHECK((*done)[3].touched == 0);
  CHECK(world.admin.ask_one("SELECT name FROM item") == "uno");
}

TEST_CASE("a batch that says nothing is done") {
  ItemWorld world;

  const auto done = world.run(Batch{});

  REQUIRE(done);
  CHECK(done->empty());
}

TEST_CASE("a statement may use what an earlier one of its batch has made") {
  ItemWorld world(one_connection());

  for (int time = 0; time < 3; ++time) {
    const auto done = world.run({.statements = {{"CREATE TABLE made (id bigint)", {}},
                                                {"INSERT INTO made VALUES ($1)", {Value{7}}},
                                                {"DROP TABLE made", {}}}});
    REQUIRE(done);
  }
}

TEST_CASE("a batch that fails takes none of its neighbours in the pipeline along") {
  ItemWorld world(one_connection());
  std::vector<Task<Answer>> tasks;
  for (std::int64_t id = 0; id < 300; ++id) tasks.push_back(world.db->run(insert(id % 3 == 0 ? 2'000'000 : id)));

  const auto answers = world.run_all(std::move(tasks));

  for (std::size_t id = 0; id < answers.size(); ++id) {
    REQUIRE(answers[id].has_value() == (id % 3 != 0));
    if (id % 3 == 0) CHECK(answers[id].error().kind == Kind::conflict);
  }
  CHECK(world.count() == "200");
}

TEST_CASE("batches given to one connection happen in the order in which they were given") {
  ItemWorld world(one_connection());
  world.admin.ask("CREATE TABLE step (id bigserial, given bigint)");
  std::vector<Task<Answer>> tasks;
  for (std::int64_t given = 0; given < 200; ++given)
    tasks.push_back(world.db->run(one({"INSERT INTO step (given) VALUES ($1)", {Value{given}}})));

  world.run_all(std::move(tasks));

  CHECK(world.admin.ask_one("SELECT count(*) FROM step") == "200");
  CHECK(world.admin.ask_one("SELECT bool_and(id = given + 1) FROM step") == "t");
}

TEST_CASE("an expectation that is not met undoes the whole batch") {
  ItemWorld world;
  world.run(insert(1));

  const auto done = world.run({.statements = {{"INSERT INTO item (id) VALUES (2)", {}},
                                              {"UPDATE item SET name = 'x' WHERE id = 9", {}, Expect::exactly(1)}}});

  REQUIRE_FALSE(done);
  CHECK(done.error().kind == Kind::conflict);
  CHECK(world.count() == "1");
}

TEST_CASE("batches with and without expectations share a connection") {
  ItemWorld world(one_connection());
  std::vector<Task<Answer>> tasks;
  for (std::int64_t id = 0; id < 200; ++id) {
    auto batch = insert(id);
    if (id % 2 == 0) batch.statements.front().expect = Expect::exactly(id % 4 == 0 ? 1 : 2);
    tasks.push_back(world.db->run(std::move(batch)));
  }

  const auto answers = world.run_all(std::move(tasks));

  for (std::size_t id = 0; id < answers.size(); ++id) CHECK(answers[id].has_value() == (id % 4 != 2));
  CHECK(world.count() == "150");
}

TEST_CASE("what only fails at the commit is a conflict and undone") {
  ItemWorld world(one_connection());
  world.admin.ask("CREATE TABLE child (item bigint REFERENCES item DEFERRABLE INITIALLY DEFERRED)");
  const auto orphan = [] { return one({"INSERT INTO child VALUES (5)", {}}); };
  auto expecting = orphan();
  expecting.statements.front().expect = Expect::exactly(1);

  std::vector<Task<Answer>> tasks;
  tasks.push_back(world.db->run(orphan()));
  tasks.push_back(world.db->run(std::move(expecting)));
  tasks.push_back(world.db->run(insert(1)));
  const auto answers = world.run_all(std::move(tasks));

  REQUIRE_FALSE(answers[0]);
  CHECK(answers[0].error().kind == Kind::conflict);
  REQUIRE_FALSE(answers[1]);
  CHECK(answers[1].error().kind == Kind::conflict);
  CHECK(answers[2]);
  CHECK(world.admin.ask_one("SELECT count(*) FROM child") == "0");
}

TEST_CASE("a statement is prepared when it comes a second time") {
  ItemWorld world(one_connection());
  const auto prepared = [&] {
    const auto rows =
        world.read({"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO item%'", {}});
    return rows->integer(0, 0);
  };

  world.run(insert(1));
  const auto after_one = prepared();
  world.run(insert(2));
  world.run(insert(3));
  const auto after_three = prepared();

  CHECK(after_one == 0);
  CHECK(after_three == 1);
}

TEST_CASE("a prepared statement that its table has outgrown is said again by its text") {
  ItemWorld world(one_connection());
  world.run(insert(1));
  const auto all = [] { return Statement{"SELECT * FROM item", {}}; };
  for (int time = 0; time < 3; ++time) REQUIRE(world.read(all()));

  world.admin.ask("ALTER TABLE item ADD COLUMN age bigint");
  std::vector<Task<Result<Rows>>> tasks;
  for (int time = 0; time < 10; ++time) tasks.push_back(world.db->read(all()));
  const auto answers = world.run_all(std::move(tasks));

  for (const auto& rows : answers) {
    REQUIRE(rows);
    CHECK(rows->rows.front().size() == 3);
  }
  CHECK(world.read(all()));
}

TEST_CASE("a prepared statement that the server has dropped is said again by its text") {
  ItemWorld world(one_connection());
  for (std::int64_t id = 0; id < 3; ++id) REQUIRE(world.run(insert(id)));

  const auto expecting = [](std::int64_t id) {
    return one({"INSERT INTO item (id) VALUES ($1)", {Value{id}}, Expect::exactly(id < 1000 ? 1 : 2)});
  };
  for (const std::int64_t id : {10, 11, 12, 1000, 1001}) CHECK(world.run(expecting(id)).has_value() == (id < 1000));

  REQUIRE(world.run(one({"DO $do$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $do$", {}})));

  CHECK(world.run(insert(20)));
  CHECK(world.run(expecting(21)));
  CHECK_FALSE(world.run(expecting(1002)));
  CHECK(world.run(insert(22)));
  CHECK(world.count() == "9");
  const auto prepared = world.read({"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'", {}});
  CHECK(prepared->integer(0, 0) > 0);  // again
}

TEST_CASE("a statement of nothing is done") {
  ItemWorld world;

  const auto done = world.run({.statements = {{"", {}}, {"INSERT INTO item (id) VALUES (1)", {}}, {"-- nothing", {}}}});

  REQUIRE(done);
  CHECK((*done)[0].touched == 0);
  CHECK((*done)[1].touched == 1);
  CHECK(world.count() == "1");
}

TEST_CASE("a read that would change something is ours and changes nothing") {
  ItemWorld world(one_connection());
  const auto writing = [] { return Statement{"INSERT INTO item (id) VALUES (1) RETURNING id", {}}; };

  for (int time = 0; time < 3; ++time) {
    const auto rows = world.read(writing());
    REQUIRE_FALSE(rows);
    CHECK(rows.error().kind == Kind::ours);
  }

  CHECK(world.count() == "0");
  CHECK(world.run(one(writing())));
  CHECK_FALSE(world.read(writing()));
  CHECK(world.count() == "1");
}

TEST_CASE("a read may expect rows") {
  ItemWorld world;
  world.run(insert(1));

  const auto met = world.read({"SELECT id FROM item", {}, Expect::exactly(1)});
  const auto unmet = world.read({"SELECT id FROM item", {}, Expect::at_least(2)});

  CHECK(met);
  REQUIRE_FALSE(unmet);
  CHECK(unmet.error().kind == Kind::conflict);
}

TEST_CASE("a statement that would reach beyond its batch is refused as ours") {
  ItemWorld world(one_connection());

  const std::vector<Answer> answers{world.run(one({"BEGIN", {}})),       world.run(one({" commit", {}})),
                                    world.run(one({"ROLLBACK", {}})),    world.run(one({"set role postgres", {}})),
                                    world.run(one({"SAVEPOINT a", {}})), world.run(one({"LISTEN a", {}}))};

  for (const auto& answer : answers) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::ours);
  }
  CHECK(world.run(insert(1)));
  CHECK(world.count() == "1");
}

TEST_CASE("wrong statements are ours") {
  ItemWorld world;

  const auto no_table = world.run(one({"SELECT * FROM nowhere", {}}));
  const auto no_sense = world.run(one({"SELEKT 1", {}}));
  const auto too_few = world.run(one({"SELECT $1::bigint, $2::bigint", {Value{1}}}));
  const auto no_number = world.run(one({"INSERT INTO item (id) VALUES ($1)", {Value{"seven"}}}));

  for (const auto* answer : {&no_table, &no_sense, &too_few, &no_number}) {
    REQUIRE_FALSE(*answer);
    CHECK(answer->error().kind == Kind::ours);
  }
  CHECK(no_number.error().sentence.find("seven") == std::string::npos);
}

}  // namespace
}  // namespace sluice::db
