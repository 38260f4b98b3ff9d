#include "common/db/values.hpp"

#include <string>

#include <doctest/doctest.h>

#include "common/db/dialect.hpp"
#include "tests/support/death.hpp"

namespace sluice::db {

TEST_CASE("text is UTF-8 exactly when Unicode says so") {
  // Table 3-7 of the standard, at its edges.
  for (const auto* well_formed : {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xEC\xBF\xBF",
                                  "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
                                  "\xF3\xBF\xBF\xBF", "\xF4\x8F\xBF\xBF", "eight by\xC3\xA9te", "seven\xE2\x82\xAC"}) {
    CAPTURE(well_formed);
    CHECK(is_utf8(well_formed));
  }
  for (const auto* ill_formed : {"\x80",
                                 "\xBF",
                                 "\xC0\x80",
                                 "\xC1\xBF",
                                 "\xC2",
                                 "\xC2\x7F",
                                 "\xC2\xC0",
                                 "\xE0\x9F\xBF",
                                 "\xE0\xA0",
                                 "\xE0\xA0\x7F",
                                 "\xED\xA0\x80",
                                 "\xED\xBF\xBF",
                                 "\xEF\xBF",
                                 "\xF0\x8F\xBF\xBF",
                                 "\xF0\x90\x80",
                                 "\xF0\x90\x80\xC0",
                                 "\xF4\x90\x80\x80",
                                 "\xF5\x80\x80\x80",
                                 "\xFE",
                                 "\xFF",
                                 "eight by\x80tes",
                                 "sevenby\xC3"}) {
    CAPTURE(ill_formed);
    CHECK_FALSE(is_utf8(ill_formed));
  }
}

TEST_CASE("a refused value is named by its number and never shown") {
  const Value values[] = {1, "fine", std::string("secret\0", 7)};

  const auto checked = check(values);

  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().kind == Kind::invalid);
  CHECK(checked.error().sentence.find("$3") != std::string::npos);
  CHECK(checked.error().sentence.find("secret") == std::string::npos);
}

TEST_CASE("the bytes of a batch count what it keeps alive") {
  Batch small;
  small.statements.push_back({"SELECT $1", {1}});
  Batch large;
  large.statements.push_back({"SELECT $1, $2", {std::string(10'000, 'x'), Blob{std::string(20'000, 'y')}}});

  CHECK(bytes_of(small) < 1000);
  CHECK(bytes_of(large) >= 30'000);
  CHECK(bytes_of(large) < 31'000);
}

TEST_CASE("reading what an answer does not hold ends the process") {
  Rows rows;
  rows.rows.push_back({1, 2.5, "text", Blob{"bytes"}, Value{}});

  CHECK(rows.integer(0, 0) == 1);
  CHECK(rows.real(0, 0) == 1.0);
  CHECK(rows.real(0, 1) == 2.5);
  CHECK(rows.text(0, 2) == "text");
  CHECK(rows.bytes(0, 3) == "bytes");
  CHECK(rows.is_null(0, 4));
  CHECK(last_words([&] { static_cast<void>(rows.integer(0, 1)); }));
  CHECK(last_words([&] { static_cast<void>(rows.real(0, 2)); }));
  CHECK(last_words([&] { static_cast<void>(rows.text(0, 3)); }));
  CHECK(last_words([&] { static_cast<void>(rows.bytes(0, 2)); }));
  CHECK(last_words([&] { static_cast<void>(rows.is_null(1, 0)); }));
  CHECK(last_words([&] { static_cast<void>(rows.is_null(0, 5)); }));
}

TEST_CASE("a claim passes over locked rows on PostgreSQL and is plain on SQLite") {
  constexpr auto claim = claiming<"UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT $1", ") RETURNING id">();
  constexpr auto lock = locking<"SELECT a FROM t WHERE id = $1">();

  CHECK(claim.for_sqlite() == "UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT $1) RETURNING id");
  CHECK(std::string_view{claim.for_postgres()} ==
        "UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id");
  CHECK(lock.for_sqlite() == "SELECT a FROM t WHERE id = $1");
  CHECK(std::string_view{lock.for_postgres()} == "SELECT a FROM t WHERE id = $1 FOR UPDATE");
}

}  // namespace sluice::db
