#include "common/store/migrations.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "common/db/simulated_database.hpp"
#include "tests/support/world.hpp"

namespace sluice::store {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return result;
}

// A release runs on the schema of the next one, so nothing that it uses may go or change its name. A deferred
// constraint would fail the commit of everybody who shares it.
std::string_view forbidden_word_in(std::string_view statement) {
  for (const std::string_view word : {"DROP", "RENAME", "TRUNCATE", "DELETE", "DEFERR"}) {
    if (upper(statement).find(word) != std::string::npos) return word;
  }
  return {};
}

}  // namespace

TEST_CASE("migrations are numbered without gaps and only add") {
  std::int64_t expected = 0;
  for (const auto& migration : migrations()) {
    CAPTURE(std::string{migration.name});
    CHECK(migration.version == ++expected);
    CHECK_FALSE(migration.name.empty());
    CHECK_FALSE(migration.statements.empty());
    for (const auto& statement : migration.statements) {
      CHECK(forbidden_word_in(statement.for_sqlite()) == "");
      CHECK(forbidden_word_in(statement.for_postgres()) == "");
    }
  }
}

TEST_CASE("a text that takes something away is found") {
  CHECK(forbidden_word_in("ALTER TABLE tenants drop COLUMN name") == "DROP");
  CHECK(forbidden_word_in("ALTER TABLE tenants RENAME TO customers") == "RENAME");
  CHECK(forbidden_word_in("ALTER TABLE tenants ADD COLUMN city text") == "");
}

TEST_CASE("the schema of this build is there after migrating") {
  SimulatedWorld world;
  db::SimulatedStore disk;
  db::SimulatedDatabase database(disk, world.loop, world.clock, world.random);

  const auto before = world.run(migration_status(database));
  const auto status = world.run(migrate(database, world.clock));

  REQUIRE(before.has_value());
  CHECK(before->missing.size() == migrations().size());
  REQUIRE(status.has_value());
  CHECK(status->missing.empty());
  CHECK(status->applied.size() == migrations().size());
}

}  // namespace sluice::store
