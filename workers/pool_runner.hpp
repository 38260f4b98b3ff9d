// The engines of one process: one for each of its pools.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/async/signal.hpp"
#include "common/async/task.hpp"
#include "workers/engine/solitude.hpp"
#include "workers/pools.hpp"

namespace sluice::workers {

struct PoolStatus {
  std::string pool;
  engine::EngineFigures figures;
  engine::EngineHealth health;
};

class PoolRunner {
 public:
  explicit PoolRunner(PoolContext context);
  PoolRunner(const PoolRunner&) = delete;
  PoolRunner& operator=(const PoolRunner&) = delete;
  ~PoolRunner();  // after stop() has returned, or before anything was started

  // An exception of an engine ends the process: without it the pool makes no sense.
  void start(const PoolRegistry& registry, const std::vector<std::string>& names);

  Task<> stop();  // drains all of them side by side

  [[nodiscard]] std::vector<PoolStatus> status() const;

 private:
  struct Running;
  Task<> run(Running& running);

  PoolContext context_;
  engine::Solitude solitude_;  // of all engines: one event on trial is alone in the process
  std::vector<std::unique_ptr<Running>> running_;
  std::size_t at_work_ = 0;
  Signal ended_;
};

}  // namespace sluice::workers
