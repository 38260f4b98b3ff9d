// The pools of this build by name, and what each contributes to an engine. A pool's folder adds its entry here; nothing
// else knows it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/base/result.hpp"
#include "common/config/settings.hpp"
#include "common/db/database.hpp"
#include "common/log/log.hpp"
#include "common/telemetry/logger.hpp"
#include "common/telemetry/metrics.hpp"
#include "workers/engine/dependency.hpp"
#include "workers/engine/engine.hpp"

namespace sluice::workers {

// What a process offers its pools; all of it outlives them.
struct PoolContext {
  const config::Settings& settings;
  Loop& loop;
  Clock& clock;
  Random& random;
  log::Log& log;
  db::Database& database;
  Logger& logger;
  Metrics& metrics;
  std::string owner;  // this process and incarnation
};

struct PoolParts {
  std::unique_ptr<engine::Handler> handler;
  std::vector<engine::DependencySettings> dependencies = {};
  engine::EngineLimits limits = {};
  engine::Followers followers = engine::Followers::go_on;
  bool ends_roots = true;
};

struct Pool {
  std::string name;  // one of event::pools
  std::function<PoolParts(const PoolContext&)> make;
};

class PoolRegistry {
 public:
  void add(Pool pool);
  [[nodiscard]] const Pool* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;  // in the order of a message's life

  // "dedup,classify": each once, or Kind::invalid with a sentence that lists the allowed ones.
  [[nodiscard]] Result<std::vector<std::string>> chosen(std::string_view list) const;

 private:
  std::vector<Pool> pools_;
};

// Those of this build.
const PoolRegistry& all_pools();

}  // namespace sluice::workers
