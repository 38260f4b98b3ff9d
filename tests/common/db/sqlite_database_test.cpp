// What is special to the database on a file: shared commits, one post per group, reads beside the writer.
#include "common/db/sqlite_database.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/common/db/numbers_table.hpp"
#include "tests/common/db/sqlite_jobs.hpp"
#include "tests/support/death.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"

namespace sluice::db {
namespace {

struct FileFixture {
  FileFixture() {
    const auto created = run_now(*file, "CREATE TABLE t (n bigint PRIMARY KEY CHECK (n >= 0))");
    REQUIRE(created.has_value());
  }

  TempFolder folder;
  Loop loop;
  std::unique_ptr<SqliteFile> file = open_file(folder / "t.db");
  SqliteDatabase database{*file, {.readers = 1, .queue_max = 4}};
};

struct Answers {
  int done = 0;
  int failed = 0;
  int begun = 0;
};

template <class T>
Task<> count(Task<Result<T>> call, Answers& answers) {
  answers.begun += 1;
  const auto answer = co_await std::move(call);
  (answer ? answers.done : answers.failed) += 1;
}

Task<> joined_and_stopped(Scope& scope, Loop& loop) {
  co_await scope.join();
  loop.stop();
}

}  // namespace

TEST_CASE("batches and rows and other jobs of one moment share one commit and answer in one post") {
  FileFixture fixture;
  Answers answers;
  Scope scope{fixture.loop};
  const auto before = fixture.file->figures();

  {
    Gate gate(*fixture.file);
    for (std::int64_t n = 0; n < 100; ++n) {
      scope.start(count(fixture.database.run(insert(n)), answers));
      scope.start(count(fixture.database.write_row({&shape, {n + 1000}}), answers));
      scope.start(count(fixture.database.write_row({&shape, {-1}}), answers));
    }
    while (answers.begun < 300) fixture.loop.run_ready();
    REQUIRE(fixture.file->submit(std::move(executing("INSERT INTO t VALUES (5000)").job)));
  }
  spawn(fixture.loop, joined_and_stopped(scope, fixture.loop), or_die("the test"));
  fixture.loop.run();

  CHECK(answers.done == 200);
  CHECK(answers.failed == 100);
  CHECK(seen_in(*fixture.file, "SELECT count(*) FROM t") == "201");
  CHECK(fixture.file->figures().groups == before.groups + 2);
}

TEST_CASE("a read that would change something is our own mistake") {
  FileFixture fixture;

  const auto inserted = run_task(fixture.loop, fixture.database.read({"INSERT INTO t (n) VALUES (1) RETURNING n"}));
  const auto pragma = run_task(fixture.loop, fixture.database.read({"PRAGMA query_only=OFF"}));

  REQUIRE_FALSE(inserted.has_value());
  CHECK(inserted.error().kind == Kind::ours);
  REQUIRE_FALSE(pragma.has_value());
  CHECK(pragma.error().kind == Kind::ours);
  CHECK(seen_in(*fixture.file, "SELECT count(*) FROM t") == "0");
}

TEST_CASE("a batch cannot end the transaction that it shares") {
  FileFixture fixture;
  for (const auto& text : std::vector<Sql>{"COMMIT", "ROLLBACK", "SAVEPOINT job", "PRAGMA synchronous=OFF"}) {
    Batch batch = insert(1);
    batch.statements.push_back({text});

    const auto answer = run_task(fixture.loop, fixture.database.run(std::move(batch)));

    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().kind == Kind::ours);
  }
  CHECK(seen_in(*fixture.file, "SELECT count(*) FROM t") == "0");
}

TEST_CASE("more reads than the bound are overloaded and the rest is answered") {
  FileFixture fixture;
  Answers answers;
  Scope scope{fixture.loop};

  // Long enough that the queue fills while the first is running.
  for (int n = 0; n < 30; ++n)
    scope.start(count(fixture.database.read({"WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < "
                                             "200000) SELECT sum(n) FROM k"}),
                      answers));
  spawn(fixture.loop, joined_and_stopped(scope, fixture.loop), or_die("the test"));
  fixture.loop.run();

  CHECK(answers.failed > 0);
  CHECK(answers.done >= 4);
  CHECK(answers.done + answers.failed == 30);
}

TEST_CASE("a database may go while its calls are under way") {
  TempFolder folder;
  Loop loop;
  const auto file = open_file(folder / "t.db");
  REQUIRE(run_now(*file, "CREATE TABLE t (n bigint PRIMARY KEY)").has_value());
  Answers answers;
  Scope scope{loop};

  {
    SqliteDatabase database(*file);
    Gate gate(*file);
    for (std::int64_t n = 0; n < 10; ++n) scope.start(count(database.run(insert(n)), answers));
    while (answers.begun < 10) loop.run_ready();
  }
  spawn(loop, joined_and_stopped(scope, loop), or_die("the test"));
  loop.run();

  CHECK(answers.done == 10);
}

TEST_CASE("listening outside of a loop ends the process") {
  TempFolder folder;
  CHECK(last_words([&] {
    const auto file = open_file(folder / "t.db");
    SqliteDatabase database(*file);
    const auto listening = database.listen("a", [] {});
  }));
}

}  // namespace sluice::db
