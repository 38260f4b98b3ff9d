#include "common/db/sqlite_statement.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "common/db/sqlite_open.hpp"
#include "tests/support/death.hpp"

namespace sluice::db {
namespace {

struct StatementFixture {
  explicit StatementFixture(std::size_t statements_max = 256) : statements(connection.get(), statements_max) {
    REQUIRE(execute(connection.get(), "CREATE TABLE t (a, b, c)").has_value());
  }

  SqliteFile::Connection connection = std::move(*open_in_memory());
  StatementCache statements;
};

Kind refused(const Result<SqliteStatement>& prepared) {
  REQUIRE_FALSE(prepared.has_value());
  return prepared.error().kind;
}

}  // namespace

TEST_CASE("values are bound by the numbers of their parameters") {
  StatementFixture fixture;
  auto insert = fixture.statements.prepare("INSERT INTO t (a, b, c) VALUES ($3, $1, $2)");
  REQUIRE(insert.has_value());

  insert->bind_integer(1, 10);
  insert->bind_text(2, "two");
  insert->bind_real(3, 0.5);
  REQUIRE(insert->run().has_value());

  auto select = fixture.statements.prepare("SELECT a, b, c FROM t");
  REQUIRE(select.has_value());
  REQUIRE(select->step().value());
  CHECK(select->columns() == 3);
  CHECK(select->real(0) == 0.5);
  CHECK(select->integer(1) == 10);
  CHECK(select->text(2) == "two");
  CHECK_FALSE(select->step().value());
}

TEST_CASE("empty bytes and empty text are not NULL") {
  StatementFixture fixture;
  auto select = fixture.statements.prepare("SELECT $1, $2, $3, $4");
  REQUIRE(select.has_value());

  select->bind_bytes(1, std::string_view{});
  select->bind_text(2, {});
  select->bind_bytes(3, std::optional<std::string_view>{});
  select->bind_bytes(4, std::optional<std::string_view>{"\0x"});
  REQUIRE(select->step().value());

  CHECK(select->value(0) == Value{Blob{}});
  CHECK(select->value(1) == Value{""});
  CHECK(select->is_null(2));
  CHECK(select->value(2) == Value{});
}

TEST_CASE("a text is compiled once and forgets its values") {
  StatementFixture fixture;
  const std::string_view text = "SELECT $1";
  {
    auto first = fixture.statements.prepare(text);
    REQUIRE(first.has_value());
    first->bind_integer(1, 5);
    REQUIRE(first->step().value());
    CHECK(first->integer(0) == 5);
  }

  auto second = fixture.statements.prepare(text);
  REQUIRE(second.has_value());
  REQUIRE(second->step().value());

  CHECK(second->is_null(0));
  CHECK(fixture.statements.size() == 1);
}

TEST_CASE("a statement runs again after a reset") {
  StatementFixture fixture;
  auto insert = fixture.statements.prepare("INSERT INTO t (a) VALUES ($1)");
  REQUIRE(insert.has_value());

  for (int n = 0; n < 3; ++n) {
    insert->reset();
    insert->bind_integer(1, n);
    REQUIRE(insert->run().has_value());
  }

  CHECK(first_text(fixture.connection.get(), "SELECT group_concat(a) FROM t").value() == "0,1,2");
}

TEST_CASE("a full cache gives up what was not used for longest and never what is in use") {
  StatementFixture fixture(3);
  const auto numbered = [](int n) { return fmt::format("SELECT {}", n); };
  auto in_use = fixture.statements.prepare(numbered(0));
  for (int n = 1; n < 10; ++n) CHECK(fixture.statements.prepare(numbered(n)).has_value());

  CHECK(fixture.statements.size() == 3);
  REQUIRE(in_use.has_value());
  CHECK(in_use->step().value());
}

TEST_CASE("a statement of a batch reaches no further than the batch") {
  StatementFixture fixture;

  for (const auto* text : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE job", "ATTACH 'x' AS y",
                           "PRAGMA synchronous=OFF", "DETACH main"}) {
    CAPTURE(text);
    CHECK(refused(fixture.statements.prepare_closed(text)) == Kind::ours);
  }
  CHECK(fixture.statements.prepare("SAVEPOINT a").has_value());
  CHECK(refused(fixture.statements.prepare_closed("SAVEPOINT a")) == Kind::ours);
  CHECK(fixture.statements.prepare_closed("INSERT INTO t (a) VALUES (1)").has_value());
  CHECK(fixture.statements.prepare_closed("CREATE INDEX t_a ON t (a)").has_value());
}

TEST_CASE("what is wrong with a text is our own mistake") {
  StatementFixture fixture;

  for (const auto* text : {"SELEC 1", "SELECT x FROM t", "", "SELECT 1; SELECT 2", "SELECT ?", "SELECT :name",
                           "SELECT $2", "SELECT $1, $3", "SELECT $a"}) {
    CAPTURE(text);
    CHECK(refused(fixture.statements.prepare(text)) == Kind::ours);
  }
  CHECK(fixture.statements.prepare("SELECT 1;\n ").has_value());
}

TEST_CASE("a value that is too large is told when the statement runs") {
  StatementFixture fixture;
  sqlite3_limit(fixture.connection.get(), SQLITE_LIMIT_LENGTH, 100);
  auto insert = fixture.statements.prepare("INSERT INTO t (a) VALUES ($1)");
  REQUIRE(insert.has_value());
  const std::string large(101, 'x');

  insert->bind_text(1, large);
  const auto ran = insert->run();

  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().kind == Kind::invalid);
}

TEST_CASE("using a text twice at once or binding what is not there ends the process") {
  StatementFixture fixture;

  CHECK(last_words([&] {
    auto first = fixture.statements.prepare("SELECT 1");
    auto second = fixture.statements.prepare("SELECT 1");
  }));
  CHECK(last_words([&] {
    auto select = fixture.statements.prepare("SELECT $1");
    select->bind_integer(2, 1);
  }));
}

}  // namespace sluice::db
