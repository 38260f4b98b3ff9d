#include "tests/simulation/tables.hpp"

#include <utility>
#include <vector>

#include "common/base/ensure.hpp"
#include "common/store/migrations.hpp"
#include "tests/support/world.hpp"

namespace sluice::simulation {
namespace {

std::unique_ptr<db::SimulatedStore> made() {
  auto store = std::make_unique<db::SimulatedStore>();
  SimulatedWorld world{0};
  db::SimulatedDatabase database{*store, world.loop, world.clock, world.random};
  const auto migrated = world.run(store::migrate(database, world.clock));
  ENSURE(migrated.has_value(), "the schema can be made");
  world.run(database.close());
  db::Batch table;
  table.statements.push_back(
      {"CREATE TABLE sim_ends (place INTEGER PRIMARY KEY, event INTEGER UNIQUE, run INTEGER)", {}});
  const auto ends = store->run_now(table);
  ENSURE(ends.has_value(), "the table of ends can be made");
  store->keep_as_beginning();
  return store;
}

// Of seeds that are over. Two are played at once when their histories are compared.
std::vector<std::unique_ptr<db::SimulatedStore>>& unused() {
  thread_local std::vector<std::unique_ptr<db::SimulatedStore>> stores;
  return stores;
}

}  // namespace

Tables::Tables() {
  if (unused().empty()) {
    store_ = made();
    return;
  }
  store_ = std::move(unused().back());
  unused().pop_back();
  store_->begin_again();
}

Tables::~Tables() {
  unused().push_back(std::move(store_));
}

}  // namespace sluice::simulation
