// Values on their way to the server and back.
#include <bit>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "common/db/postgres_wire.hpp"
#include "tests/common/db/postgres_support.hpp"
#include "tests/support/seed.hpp"

namespace sluice::db {
namespace {

constexpr Oid boolean = 16;
constexpr Oid bytes = 17;
constexpr Oid int8 = 20;
constexpr Oid text = 25;
constexpr Oid float8 = 701;
constexpr Oid numeric = 1700;
constexpr Oid nothing = 2278;

std::int64_t random_integer(Random& random) {
  switch (random.below(6)) {
    case 0:
      return std::numeric_limits<std::int64_t>::min();
    case 1:
      return std::numeric_limits<std::int64_t>::max();
    case 2:
      return static_cast<std::int64_t>(random.below(10)) - 5;
    default:
      return std::bit_cast<std::int64_t>(random.next());
  }
}

double random_real(Random& random) {
  while (true) {
    const auto real = random.one_in(3) ? random.unit() : std::bit_cast<double>(random.next());
    if (!std::isnan(real)) return real;
  }
}

std::string random_text(Random& random) {
  static const std::vector<std::string> pieces{"a",  "Z",  " ",    "'", "\"", "\\", "\\x41", "$1",
                                               "\n", "\t", "\x01", "ä", "€",  "😀", "\u200b"};
  std::string made;
  for (auto length = random.below(30); length > 0; --length) made += pieces[random.below(pieces.size())];
  return made;
}

std::string random_bytes(Random& random) {
  std::string made(random.below(70), '\0');
  for (auto& byte : made) byte = static_cast<char>(random.below(256));
  return made;
}

std::vector<Value> random_row(Random& random, std::int64_t id) {
  std::vector<Value> row{id,
                         random_integer(random),
                         random_real(random),
                         random_text(random),
                         Blob{random_bytes(random)},
                         static_cast<std::int64_t>(random.below(2))};
  for (std::size_t place = 1; place < row.size(); ++place) {
    if (random.one_in(5)) row[place] = Value{};
  }
  return row;
}

const RowShape mixed{.table = "mixed",
                     .columns = {"id", "i", "r", "t", "b", "f"},
                     .key = {"id"},
                     .returning = {"i", "r", "t", "b", "f"}};

TEST_CASE("random values come back as they went in by each way") {
  PostgresWorld world;
  SeededRandom random{test_seed()};
  world.admin.ask(
      "CREATE TABLE mixed (id bigint PRIMARY KEY, i bigint, r double precision, t text, b bytea, f boolean)");
  std::vector<std::vector<Value>> rows;
  for (std::int64_t id = 0; id < 300; ++id) rows.push_back(random_row(random, id));

  std::vector<Task<Result<std::vector<Rows>>>> batches;
  std::vector<Task<Result<Rows>>> writes;
  for (std::size_t place = 0; place < rows.size(); ++place) {
    if (place % 2 == 0) {
      batches.push_back(
          world.db->run({.statements = {{"INSERT INTO mixed VALUES ($1, $2, $3, $4, $5, $6)", rows[place]}}}));
    } else {
      writes.push_back(world.db->write_row({&mixed, rows[place]}));
    }
  }
  for (const auto& done : world.run_all(std::move(batches))) REQUIRE(done);
  const auto written = world.run_all(std::move(writes));
  const auto read = world.read({"SELECT * FROM mixed ORDER BY id", {}});

  REQUIRE(read);
  REQUIRE(read->size() == rows.size());
  for (std::size_t place = 0; place < rows.size(); ++place) {
    CHECK((read->rows[place] == rows[place]));
    if (place % 2 == 0) continue;
    const auto& answer = written[place / 2];
    REQUIRE(answer);
    CHECK((answer->rows.front() == std::vector<Value>(rows[place].begin() + 1, rows[place].end())));
  }
}

TEST_CASE("a number fits every column of numbers") {
  PostgresWorld world;
  world.admin.ask(
      "CREATE TABLE number (a smallint, b int, c bigint, d real, e double precision, f numeric, g numeric(30, 3))");

  const auto done = world.run({.statements = {{"INSERT INTO number VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *",
                                               std::vector<Value>(7, Value{-12})},
                                              {"INSERT INTO number (d, e, f) VALUES ($1, $2, $3) RETURNING d, e, f",
                                               {Value{0.5}, Value{0.1}, Value{2.5}}}}});

  REQUIRE(done);
  for (const std::size_t column : {0U, 1U, 2U, 5U}) CHECK((*done)[0].integer(0, column) == -12);
  for (const std::size_t column : {3U, 4U, 6U}) CHECK((*done)[0].real(0, column) == -12.0);
  CHECK((*done)[1].real(0, 0) == 0.5);
  CHECK((*done)[1].real(0, 1) == 0.1);
  CHECK((*done)[1].real(0, 2) == 2.5);
}

TEST_CASE("sums and averages of integers are numbers") {
  PostgresWorld world;

  const auto rows = world.read(
      {"SELECT count(*), sum(n), avg(n) FROM generate_series($1::bigint, $2::bigint) n", {Value{1}, Value{4}}});

  REQUIRE(rows);
  CHECK(rows->integer(0, 0) == 4);
  CHECK(rows->integer(0, 1) == 10);
  CHECK(rows->real(0, 2) == 2.5);
}

TEST_CASE("what a type is decides what a text becomes") {
  CHECK((*value_of(boolean, "t") == Value{std::int64_t{1}}));
  CHECK((*value_of(boolean, "f") == Value{std::int64_t{0}}));
  CHECK((*value_of(int8, "-9223372036854775808") == Value{std::numeric_limits<std::int64_t>::min()}));
  CHECK((*value_of(float8, "Infinity") == Value{std::numeric_limits<double>::infinity()}));
  CHECK((*value_of(float8, "-0") == Value{-0.0}));
  CHECK((*value_of(numeric, "42") == Value{std::int64_t{42}}));
  CHECK((*value_of(numeric, "42.0") == Value{42.0}));
  CHECK((*value_of(numeric, "92233720368547758070") == Value{92233720368547758070.0}));
  CHECK((*value_of(bytes, "\\x00ff10") == Value{Blob{std::string("\0\xff\x10", 3)}}));
  CHECK((*value_of(bytes, "\\x") == Value{Blob{}}));
  CHECK((*value_of(text, "42") == Value{"42"}));
  CHECK((*value_of(nothing, "") == Value{}));
}

TEST_CASE("damage on the way is told and not guessed at") {
  for (const auto& [type, damaged] : std::vector<std::pair<Oid, std::string>>{{int8, ""},
                                                                              {int8, "12x"},
                                                                              {int8, "9223372036854775808"},
                                                                              {float8, "1.5.5"},
                                                                              {bytes, "00"},
                                                                              {bytes, "\\x0"},
                                                                              {bytes, "\\xzz"}}) {
    CAPTURE(damaged);
    const auto value = value_of(type, damaged);
    REQUIRE_FALSE(value);
    CHECK(value.error().kind == Kind::corrupt);
  }
}

TEST_CASE("keys are equal when the database would find them equal") {
  const auto key = [](std::vector<Value> values) { return key_of(values); };

  CHECK(key({Value{5}}) == key({Value{5.0}}));
  CHECK(key({Value{0.0}}) == key({Value{-0.0}}));
  CHECK(key({Value{5}}) != key({Value{"5"}}));
  CHECK(key({Value{"5"}}) != key({Value{Blob{"5"}}}));
  CHECK(key({Value{"a"}, Value{"bc"}}) != key({Value{"ab"}, Value{"c"}}));
  CHECK(key({Value{}}) != key({Value{""}}));
  CHECK(key({Value{0.1}}) != key({Value{0.2}}));
  CHECK(key({Value{1}, Value{2}}) != key({Value{12}}));
}

}  // namespace
}  // namespace sluice::db
