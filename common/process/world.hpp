// The two seams, opened: SQLite for one process, or Kafka with PostgreSQL for many. Nobody above asks which of the two
// it is.
#pragma once

#include <functional>
#include <memory>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/config/settings.hpp"
#include "common/db/database.hpp"
#include "common/log/log.hpp"
#include "common/process/data_folder.hpp"
#include "common/telemetry/logger.hpp"

namespace sluice {

class World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World() = default;

  [[nodiscard]] virtual log::Log& log() = 0;
  [[nodiscard]] virtual db::Database& database() = 0;

  // What the world does by itself while it is served: retention of the embedded log. Until cancelled.
  virtual Task<> keep() = 0;

  // Finishes what is under way. Once, before destruction.
  virtual Task<> close() = 0;
};

struct WorldParts {
  Loop& loop;
  Clock& clock;
  Random& random;
  Logger& logger;
};

// One file in the data folder, whose lock the caller holds.
Result<std::unique_ptr<World>> open_embedded_world(const DataFolder& folder, WorldParts parts);

// Kafka and PostgreSQL as the settings say.
Result<std::unique_ptr<World>> open_split_world(const config::WorldSettings& settings, std::string_view instance,
                                                WorldParts parts);

}  // namespace sluice
