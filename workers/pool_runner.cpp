#include "workers/pool_runner.hpp"

#include "common/async/spawn.hpp"
#include "common/base/ensure.hpp"
#include "common/event/pools.hpp"

namespace sluice::workers {

struct PoolRunner::Running {
  Running(const Pool& pool, const PoolContext& context, engine::Solitude& solitude)
      : name(pool.name),
        parts(pool.make(context)),
        dependencies(context.clock, context.random, parts.dependencies),
        engine({.name = name,
                .prefix = context.settings.world.topic_prefix,
                .followers = parts.followers,
                .ends_roots = parts.ends_roots},
               *parts.handler,
               {.loop = context.loop,
                .clock = context.clock,
                .random = context.random,
                .log = context.log,
                .database = context.database,
                .logger = context.logger,
                .dependencies = &dependencies,
                .metrics = &context.metrics,
                .owner = context.owner,
                .solitude = &solitude},
               limits_of(parts.limits, context)) {}

  static engine::EngineLimits limits_of(engine::EngineLimits limits, const PoolContext& context) {
    limits.drain_max = std::chrono::seconds{context.settings.process.drain_seconds};
    if (context.log.capabilities().removes_unfinished) limits.records_kept = event::pool_retention;
    return limits;
  }

  std::string name;
  PoolParts parts;
  engine::Dependencies dependencies;
  engine::Engine engine;
};

PoolRunner::PoolRunner(PoolContext context) : context_(std::move(context)) {}
PoolRunner::~PoolRunner() = default;

void PoolRunner::start(const PoolRegistry& registry, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const Pool* pool = registry.find(name);
    ENSURE(pool != nullptr, "a pool that is started is one of the registry");
    running_.push_back(std::make_unique<Running>(*pool, context_, solitude_));
    ++at_work_;
    spawn(context_.loop, run(*running_.back()), or_die(name));
  }
}

Task<> PoolRunner::run(Running& running) {
  co_await running.engine.run();
  --at_work_;
  ended_.notify_all();
}

Task<> PoolRunner::stop() {
  for (const auto& running : running_) running->engine.stop();
  while (at_work_ > 0) co_await ended_.wait();
}

std::vector<PoolStatus> PoolRunner::status() const {
  std::vector<PoolStatus> all;
  all.reserve(running_.size());
  for (const auto& running : running_)
    all.push_back({running->name, running->engine.figures(), running->engine.health()});
  return all;
}

}  // namespace sluice::workers
