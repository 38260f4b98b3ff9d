#include "common/store/tenants.hpp"

#include <chrono>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/db/simulated_database.hpp"
#include "common/store/migrations.hpp"
#include "tests/support/world.hpp"

namespace sluice::store {
namespace {

struct Shop {
  Shop() {
    const auto migrated = world.run(migrate(database, world.clock));
    REQUIRE(migrated.has_value());
  }

  void insert(std::string_view id) {
    const auto inserted = world.run(tenants.insert(row(id)));
    REQUIRE_MESSAGE(inserted.has_value(), inserted.error().sentence);
  }

  [[nodiscard]] TenantRow row(std::string_view id) const {
    return {*event::Tenant::parse(id), fmt::format("The business {}", id), world.clock.wall(), R"({"zone":"UTC"})"};
  }

  SimulatedWorld world;
  db::SimulatedStore disk;
  db::SimulatedDatabase database{disk, world.loop, world.clock, world.random};
  Tenants tenants{database};
};

}  // namespace

TEST_CASE("a tenant is found as it was inserted") {
  Shop shop;
  const auto bakery = shop.row("bakery");

  const auto inserted = shop.world.run(shop.tenants.insert(bakery));
  const auto found = shop.world.run(shop.tenants.find(bakery.id));

  CHECK(inserted.has_value());
  REQUIRE(found.has_value());
  REQUIRE(found->has_value());
  CHECK(**found == bakery);
}

TEST_CASE("a tenant that is not there is no failure") {
  Shop shop;

  const auto found = shop.world.run(shop.tenants.find(event::Tenant::standard()));

  REQUIRE(found.has_value());
  CHECK_FALSE(found->has_value());
}

TEST_CASE("a tenant's id is taken once") {
  Shop shop;
  shop.insert("bakery");

  const auto again = shop.world.run(shop.tenants.insert(shop.row("bakery")));

  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().kind == Kind::conflict);
}

TEST_CASE("tenants are listed by their ids and page by page") {
  Shop shop;
  for (std::int64_t number = Tenants::page_rows_max; number >= 0; --number) shop.insert(fmt::format("t{:04}", number));

  const auto first = shop.world.run(shop.tenants.list());
  REQUIRE(first.has_value());
  REQUIRE(first->size() == static_cast<std::size_t>(Tenants::page_rows_max));
  const auto second = shop.world.run(shop.tenants.list(first->back().id));
  REQUIRE(second.has_value());
  REQUIRE(second->size() == 1);
  const auto third = shop.world.run(shop.tenants.list(second->back().id));

  CHECK(first->front().id.text() == "t0000");
  CHECK(second->front().id.text() == "t0500");
  REQUIRE(third.has_value());
  CHECK(third->empty());
}

TEST_CASE("a row that holds no tenant's id is corrupt") {
  Shop shop;
  db::Batch batch;
  batch.statements.push_back({"INSERT INTO tenants (id, name, created_at, settings) VALUES ('No Id', '', 0, '{}')"});
  REQUIRE(shop.disk.run_now(batch).has_value());

  const auto listed = shop.world.run(shop.tenants.list());

  REQUIRE_FALSE(listed.has_value());
  CHECK(listed.error().kind == Kind::corrupt);
}

TEST_CASE("what the database refuses comes through") {
  Shop shop;

  shop.database.fail_next(Kind::unavailable);
  const auto found = shop.world.run(shop.tenants.find(event::Tenant::standard()));
  shop.database.fail_next(Kind::maybe_done);
  const auto inserted = shop.world.run(shop.tenants.insert(shop.row("bakery")));
  shop.database.fail_next(Kind::overloaded);
  const auto listed = shop.world.run(shop.tenants.list());

  CHECK(found.error().kind == Kind::unavailable);
  CHECK(inserted.error().kind == Kind::maybe_done);
  CHECK(listed.error().kind == Kind::overloaded);
}

}  // namespace sluice::store
