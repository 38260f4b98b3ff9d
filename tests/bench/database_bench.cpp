// Point writes: one row with a key, durable when answered, 32 in flight.
#include <libpq-fe.h>

#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "common/async/clock_real.hpp"
#include "common/async/random.hpp"
#include "common/async/scope.hpp"
#include "common/db/postgres_database.hpp"
#include "common/db/sqlite_database.hpp"
#include "tests/bench/bare_sqlite.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"

namespace sluice::bench {
namespace {

constexpr int in_flight = 32;
constexpr int sqlite_rows = 32'000;
constexpr int postgres_rows = 16'000;
constexpr int blocking_rows = 3'000;
const std::string note(200, 'n');

const db::RowShape point{
    .table = "point", .columns = {"tenant", "id", "state", "note"}, .key = {"tenant", "id"}, .returning = {"state"}};

std::string row_id(int caller, int i) {
  return fmt::format("{:016x}{:08x}", static_cast<unsigned>(caller) * 2654435761U, i);
}

Task<> write(db::Database& database, int caller, int count) {
  for (int i = 0; i < count; ++i) {
    db::RowWrite row{.shape = &point, .values = {std::string{"default"}, row_id(caller, i), std::int64_t{1}, note}};
    auto written = co_await database.write_row(std::move(row));
    written.value();
  }
}

Task<> write_all(Loop& loop, db::Database& database, int rows, int first_caller = 0) {
  Scope scope{loop};
  for (int caller = 0; caller < in_flight; ++caller)
    scope.start(write(database, first_caller + caller, rows / in_flight));
  co_await scope.join();
}

constexpr db::Sql make_table =
    "CREATE TABLE point (tenant TEXT NOT NULL, id TEXT NOT NULL, state BIGINT NOT NULL, note TEXT, PRIMARY KEY "
    "(tenant, id))";

db::Batch one(db::Sql sql) {
  db::Batch batch;
  batch.statements.push_back({.sql = sql});
  return batch;
}

// Other rows come first, until the WAL has its size: see sqlite_bench.cpp.
constexpr int others = in_flight;

double our_sqlite() {
  const TempFolder folder;
  Loop loop;
  auto file = db::SqliteFile::open(folder / "db").value();
  db::SqliteDatabase database{*file};
  run_task(loop, database.run(one(make_table))).value();
  run_task(loop, write_all(loop, database, sqlite_rows, others));
  const double seconds = seconds_of([&] { run_task(loop, write_all(loop, database, sqlite_rows)); });
  run_task(loop, database.close());
  return sqlite_rows / seconds;
}

void write_all(BareSqlite& bare, int first_caller) {
  for (int i = 0; i < sqlite_rows; i += in_flight) {
    bare.begin();
    for (int caller = 0; caller < in_flight; ++caller) bare.insert_point(row_id(first_caller + caller, i), note);
    bare.commit();
  }
}

double bare_sqlite() {
  const TempFolder folder;
  BareSqlite bare{folder / "db"};
  bare.make_point_table();
  write_all(bare, others);
  return sqlite_rows / seconds_of([&] { write_all(bare, 0); });
}

const char* postgres_url() {
  const char* url = std::getenv("TEST_POSTGRES");
  if (url == nullptr) {
    fmt::print(stderr, "sluice-bench: TEST_POSTGRES is not set: run scripts/bench, which starts PostgreSQL\n");
    std::exit(69);
  }
  return url;
}

double our_postgres() {
  Loop loop;
  RealClock clock{loop};
  SystemRandom random;
  auto database = db::PostgresDatabase::open(loop, clock, random, {.url = postgres_url()}).value();
  run_task(loop, database->run(one("DROP TABLE IF EXISTS point"))).value();
  run_task(loop, database->run(one(make_table))).value();
  const double seconds = seconds_of([&] { run_task(loop, write_all(loop, *database, postgres_rows)); });
  run_task(loop, database->close());
  return postgres_rows / seconds;
}

double blocking_postgres() {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection{PQconnectdb(postgres_url()), PQfinish};
  const auto run = [&](const char* text) { PQclear(PQexec(connection.get(), text)); };
  run("SET client_min_messages = error");
  run("DROP TABLE IF EXISTS bare_point");
  run("CREATE TABLE bare_point (tenant TEXT NOT NULL, id TEXT NOT NULL, state BIGINT NOT NULL, note TEXT, PRIMARY KEY "
      "(tenant, id))");
  PQclear(PQprepare(connection.get(), "write",
                    "INSERT INTO bare_point (tenant, id, state, note) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, id) "
                    "DO NOTHING RETURNING state",
                    4, nullptr));
  return blocking_rows / seconds_of([&] {
           for (int i = 0; i < blocking_rows; ++i) {
             const std::string id = row_id(1, i);
             const char* values[] = {"default", id.c_str(), "1", note.c_str()};
             PGresult* result = PQexecPrepared(connection.get(), "write", 4, values, nullptr, nullptr, 0);
             ENSURE(PQresultStatus(result) == PGRES_TUPLES_OK, "the blocking row is written");
             PQclear(result);
           }
         });
}

}  // namespace

void database_bench(Report& report) {
  report.run({.name = "database point write, SQLite, 32 in flight",
              .unit = "/s",
              .goal = ">= 0.7 x bare, 32 rows/commit",
              .ours = our_sqlite,
              .baseline = bare_sqlite});
  report.run({.name = "database point write, PostgreSQL, 32 in flight",
              .unit = "/s",
              .goal = ">= 3 x one blocking",
              .ours = our_postgres,
              .baseline = blocking_postgres});
}

}  // namespace sluice::bench
