// Proves of a pool's handler what the engine asks of it: idempotent against any later redelivery of an event of its
// lane, and against one from a stale epoch.
//
// A lane is delivered once, event by event; then again in a new world for each way in which one event can come a second
// time. What is there afterwards must be the same each time: outputs by their ids and bytes, tables, and whatever the
// pool did outside. Nothing of the engine runs here; its part (outputs, then changes, then the next event) is played.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/db/simulated_database.hpp"
#include "tests/support/world.hpp"
#include "workers/engine/handler.hpp"

namespace sluice::engine {

// Time stands still in it unless the pool lets it pass, so that two ways to the same end leave the same moments behind.
struct KitWorld : SimulatedWorld {
  KitWorld();

  db::SimulatedStore disk;
  db::SimulatedDatabase database;
};

struct Subject {
  std::unique_ptr<Handler> handler;
  std::function<std::vector<std::string>()> effects = {};  // all that was done outside, in an order that says nothing
};

struct IdempotenceKit {
  std::function<Subject(KitWorld&)> make;  // a new process of the pool
  std::vector<event::Event> lane;          // events of one conversation, in order
  std::vector<db::Statement> schema = {};  // beside the store's own tables
  std::vector<db::Sql> tables = {};        // what must be the same: SELECTs with an ORDER BY

  // One sentence for each way that leaves something else behind. Empty: idempotent.
  [[nodiscard]] std::vector<std::string> findings() const;
};

}  // namespace sluice::engine
