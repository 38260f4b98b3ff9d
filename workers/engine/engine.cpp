#include "workers/engine/engine.hpp"

#include "common/event/partition.hpp"
#include "common/store/held_lanes.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

EngineCore::EngineCore(PoolSpec its_spec, Handler& its_handler, EngineParts its_parts, EngineLimits its_limits)
    : spec(std::move(its_spec)),
      handler(its_handler),
      parts(std::move(its_parts)),
      limits(std::move(its_limits)),
      topics(event::topics_of(spec.prefix, spec.name)),
      group(event::group_of(spec.prefix, spec.name)),
      turns(limits.running_max),
      solitude(parts.solitude != nullptr ? *parts.solitude : own_solitude),
      work(parts.loop),
      parked_timer(parts.clock.timers(), [this] { start_due(); }),
      commit_timer(parts.clock.timers(), [this] { work.start(commit_all()); }),
      journal_timer(parts.clock.timers(), [this] { work.start(write_journal()); }),
      journaling(limits.journal, limits.journal_entries_max),
      pausing(spec.name),
      dead_rate(limits.dead_rate),
      probe_timer(parts.clock.timers(), [this] { probe_tenants(); }),
      waits_timer(parts.clock.timers(), [this] { look_at_waits(); }) {
  if (parts.metrics != nullptr) metrics.emplace(*parts.metrics, spec.name);
  if (parts.dependencies == nullptr) return;
  hears_dependencies = parts.dependencies->when_changed([this](const Dependencies::Change& change) {
    dependency_changed.notify_all();
    if (change.now == Openness::closed) look_at_waits();
  });
}

Engine::Engine(PoolSpec spec, Handler& handler, EngineParts parts, EngineLimits limits)
    : core_(std::make_unique<EngineCore>(std::move(spec), handler, std::move(parts), std::move(limits))) {}
Engine::~Engine() = default;

Task<> Engine::run() {
  return core_->run();
}

void Engine::stop() {
  if (std::exchange(core_->stopping, true)) return;
  core_->schedule_changed.notify_all();
  core_->work.start(core_->drain());
}

void Engine::wake(const event::ConversationKey& key) {
  const LaneId id = lane_of(event::EventKey{key});
  for (const auto& [number, pair] : core_->pairs) {
    if (const auto lane = pair->lanes.find(id); lane != pair->lanes.end()) {
      lane->second->woken = true;
      lane->second->changed.notify_all();
    }
    const bool waits = pair->parked.contains(id) && core_->index.holds(id) && core_->index.is_due(id);
    if (!waits) continue;
    core_->index.set_due(id, core_->parts.clock.now());
    core_->arm_parked();
  }
}

void Engine::lift(const event::Tenant& tenant) {
  core_->lift(tenant, "an operator");
}

Task<Result<bool>> Engine::release(event::EventKey key) {
  const LaneId lane = lane_of(key);
  const std::int32_t number = event::partition_of(event::text_of(key), core_->spec.partitions);
  const auto found = core_->pairs.find(number);
  const PairPtr pair = found == core_->pairs.end() ? nullptr : found->second;
  const std::uint64_t hold = pair ? EngineCore::hold_of(*pair, lane) : 0;
  auto released =
      co_await store::release_lane(core_->parts.database, core_->spec.name, number, static_cast<std::int64_t>(lane));
  if (!released) co_return fail(std::move(released.error()));
  if (pair && pair->current) core_->let_go(*pair, lane, hold);
  co_return *released;
}

EngineFigures Engine::figures() const {
  return core_->current_figures();
}

EngineHealth Engine::health() const {
  return core_->health();
}

std::vector<ParkedLane> Engine::parked() const {
  std::vector<ParkedLane> lanes;
  for (const auto& [number, pair] : core_->pairs) {
    for (const LaneId lane : pair->parked) {
      if (!pair->held.contains(lane)) lanes.push_back({lane, number, core_->index.behind(lane)});
    }
    for (const auto& [lane, held] : pair->held) {
      const std::size_t behind = core_->index.holds(lane) ? core_->index.behind(lane) + 1 : 0;
      lanes.push_back({lane, number, behind, true, held.since, held.why});
    }
  }
  return lanes;
}

}  // namespace sluice::engine
