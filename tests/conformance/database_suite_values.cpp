// Values come back as they went in, and what one of the databases could not hold is refused by all.
#include <cmath>
#include <limits>

#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {
namespace {

constexpr Sql insert_all = "INSERT INTO items (id, name, amount, ratio, body) VALUES ($1, $2, $3, $4, $5)";
constexpr Sql read_all = "SELECT name, amount, ratio, body FROM items WHERE id = $1";
constexpr Sql insert_whole = "INSERT INTO items (id) VALUES ($1)";

std::string all_bytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

// Reads back with read() and inside a batch, which may take another way.
Task<std::vector<Rows>> back(DatabaseWorld& world, std::int64_t id) {
  auto answers = co_await done(world, Statement{read_all, {id}});
  auto rows = co_await seen(world, {read_all, {id}});
  answers.push_back(std::move(rows));
  co_return answers;
}

}  // namespace

Task<> values_round_trip(DatabaseWorld& world) {
  using Real = std::numeric_limits<double>;
  using Integer = std::numeric_limits<std::int64_t>;
  co_await make_tables(world);
  const std::string texts[] = {"plain", "it's \"quoted\" \\ $1 % \n\t;--", "Grüße 你好 \U0001F600\u200D\u0301", "\x7F"};
  const double reals[] = {0.1, Real::max(), Real::denorm_min(), -1.0 / 3};

  for (std::int64_t id = 0; id < 4; ++id) {
    const auto place = static_cast<std::size_t>(id);
    const std::int64_t amount = id == 0 ? Integer::max() : id == 1 ? 0 : id;
    co_await done(world, Statement{insert_all, {id, texts[place], amount, reals[place], Blob{all_bytes()}}});
    const auto read = co_await back(world, id);
    for (const auto& rows : read) {
      REQUIRE(rows.size() == 1);
      CHECK(rows.text(0, 0) == texts[place]);
      CHECK(rows.integer(0, 1) == amount);
      CHECK(rows.real(0, 2) == reals[place]);
      CHECK(rows.bytes(0, 3) == all_bytes());
    }
  }
  for (const auto id : {Integer::min(), Integer::max(), std::int64_t{-1}}) {
    co_await done(world, Statement{insert_whole, {id}});
    co_await check_number(world, {"SELECT id FROM items WHERE id = $1", {id}}, id);
  }
}

Task<> null_is_not_empty(DatabaseWorld& world) {
  co_await make_tables(world);

  co_await done(world, Statement{insert_all, {1, Value{}, Value{}, Value{}, Value{}}});
  co_await done(world, Statement{insert_all, {2, "", 0, 0.0, Blob{}}});

  const auto nulls = co_await back(world, 1);
  for (const auto& rows : nulls) {
    for (std::size_t column = 0; column < 4; ++column) CHECK(rows.is_null(0, column));
  }
  const auto empty = co_await back(world, 2);
  for (const auto& rows : empty) {
    CHECK(rows.text(0, 0).empty());
    CHECK(rows.integer(0, 1) == 0);
    CHECK(rows.real(0, 2) == 0.0);
    CHECK(rows.bytes(0, 3).empty());
  }
  co_await check_number(world, {"SELECT id FROM items WHERE name IS NULL AND body IS NULL"}, 1);
}

Task<> big_values(DatabaseWorld& world) {
  co_await make_tables(world);
  std::string text;
  while (text.size() < 1'000'000) text += "ä long text, ";
  std::string bytes;
  while (bytes.size() < 1'000'000) bytes += all_bytes();

  co_await done(world, Statement{insert_all, {1, text, 1, 1.0, Blob{bytes}}});

  const auto read = co_await back(world, 1);
  for (const auto& rows : read) {
    CHECK(rows.text(0, 0) == text);
    CHECK(rows.bytes(0, 3) == bytes);
  }
}

Task<> text_without_nul(DatabaseWorld& world) {
  co_await make_tables(world);
  const std::string text("a\0b", 3);

  const auto batch = co_await ran(world, batch_of({item(1), item(2, text)}));
  const auto row = co_await wrote(world, item_row(3, text));
  const auto read = co_await soon(world, world.database().read({"SELECT id FROM items WHERE name = $1", {text}}));

  CHECK(failed_as(batch, Kind::invalid));
  CHECK(failed_as(row, Kind::invalid));
  CHECK(failed_as(read, Kind::invalid));
  co_await check_items(world, 0);
}

Task<> text_is_utf8(DatabaseWorld& world) {
  co_await make_tables(world);
  const std::string texts[] = {"\xFF",          "long enough for a word \xC3",         "\xED\xA0\x80 is half a pair",
                               "\xC0\xAF long", "\xF4\x90\x80\x80 is beyond the last", "in the midst \x80 of it"};

  for (const auto& text : texts) {
    const auto batch = co_await ran(world, batch_of({item(1), item(2, text)}));
    const auto row = co_await wrote(world, item_row(3, text));
    CHECK(failed_as(batch, Kind::invalid));
    CHECK(failed_as(row, Kind::invalid));
  }
  co_await check_items(world, 0);
}

Task<> not_a_number(DatabaseWorld& world) {
  co_await make_tables(world);
  constexpr auto infinity = std::numeric_limits<double>::infinity();

  const auto nan = co_await ran(world, batch_of({{insert_all, {1, "", 1, std::nan(""), Blob{}}}}));
  co_await done(world, Statement{insert_all, {2, "", 1, infinity, Blob{}}});
  co_await done(world, Statement{insert_all, {3, "", 1, -infinity, Blob{}}});

  CHECK(failed_as(nan, Kind::invalid));
  const auto positive = co_await back(world, 2);
  const auto negative = co_await back(world, 3);
  CHECK(positive.front().real(0, 2) == infinity);
  CHECK(negative.front().real(0, 2) == -infinity);
}

}  // namespace sluice::db::conformance
