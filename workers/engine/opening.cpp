// Assignment: first the retry partition is read to its end, so that every parked conversation is known; then main
// flows.
#include "common/store/parked_heads.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

Pair::Pair(std::int32_t its_number) : number(its_number) {}
Pair::~Pair() = default;

Task<> EngineCore::open(PairPtr pair) {
  while (pair->admits() && !pair->retry_at_end) co_await pair->changed.wait();
  if (!pair->admits()) co_return;

  co_await await_pauses(pair);
  co_await load_held(pair);
  std::uint32_t failures = 0;
  while (pair->admits()) {
    auto heads = co_await store::load_parked_heads(parts.database, spec.name, pair->number);
    if (!heads) {
      const bool ours = co_await storage_pause(++failures, *pair, heads.error());
      if (!ours) co_return;
      continue;
    }
    for (const LaneId lane : pair->parked) {
      if (!pair->held.contains(lane)) index.set_due(lane, parts.clock.now());  // without a row: nobody knows better
    }
    for (const auto& head : *heads) {
      const auto lane = static_cast<LaneId>(head.lane);
      if (index.holds(lane) && pair->parked.contains(lane) && !pair->held.contains(lane))
        index.set_due(lane, parts.clock.now() + (head.due - parts.clock.wall()));
    }
    break;
  }
  if (!pair->admits()) co_return;
  pair->opened = true;
  work.start(admit_events(pair));
  work.start(admit_heads(pair));
  consumer->resume(pair->main->partition);
  pair->main->paused = false;
  arm_parked();
}

}  // namespace sluice::engine
