// Main records of a parked conversation go into its retry partition, once, in order; then their main offsets are
// complete.
#include "common/store/parked_heads.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {
namespace {
constexpr std::size_t moves_at_once_max = 256;
}

void EngineCore::move(const PairPtr& pair, Move item) {
  pair->moving[item.lane].insert_or_assign(short_id(item.queued.event.id), MoveState{});
  pair->to_move.push_back(std::move(item));
  if (std::exchange(pair->mover_runs, true)) return;
  work.start(move_all(pair));
}

// One append at a time: what one conversation sends into retry keeps its order whatever fails in between.
Task<> EngineCore::move_all(PairPtr pair) {
  while (!pair->to_move.empty() && pair->current) {
    std::vector<Move> items;
    while (!pair->to_move.empty() && items.size() < moves_at_once_max) {
      items.push_back(std::move(pair->to_move.front()));
      pair->to_move.pop_front();
    }
    Finish what;
    for (auto& item : items) {
      what.offsets.push_back(item.queued.offset);
      if (item.head) {
        item.queued.event.journey.attempt = item.head->tries;
        what.changes.statements.push_back(row_of(*pair, *item.head));
      }
      auto encoded = event::encode(item.queued.event);
      ENSURE(encoded.has_value(), "an event that was read can be written");
      what.outputs.push_back({.topic = topics.retry,
                              .partition = pair->number,
                              .key = std::move(encoded->key),
                              .value = std::move(encoded->value),
                              .headers = std::move(encoded->headers)});
    }
    std::sort(what.offsets.begin(), what.offsets.end());
    Finished finished = Finished::overtaken;
    while (finished == Finished::overtaken) finished = co_await finish(pair, what);
    for (const auto& item : items) count_out(*pair, item.queued);
    if (finished == Finished::orphaned) break;
    for (const auto& item : items) {
      const auto lane = pair->moving.find(item.lane);
      if (lane == pair->moving.end()) continue;
      const auto state = lane->second.find(short_id(item.queued.event.id));
      if (state == lane->second.end()) continue;  // it moved twice, coming back from the schedule in between
      state->second.appended = true;
      if (!state->second.delivered) continue;
      lane->second.erase(state);
      if (lane->second.empty()) pair->moving.erase(lane);
    }
    watch_bounds(*pair);
  }
  pair->mover_runs = false;
  if (!pair->admits()) pair->changed.notify_all();
}

// The record came back by delivery, before or after its acknowledgement.
void EngineCore::arrived(Pair& pair, LaneId lane_id, ShortId id) {
  const auto lane = pair.moving.find(lane_id);
  if (lane == pair.moving.end()) return;
  const auto state = lane->second.find(id);
  if (state == lane->second.end()) return;
  state->second.delivered = true;
  if (!state->second.appended) return;
  lane->second.erase(state);
  if (lane->second.empty()) pair.moving.erase(lane);
}

}  // namespace sluice::engine
