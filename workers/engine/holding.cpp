// Followers of a dead letter, in a pool that holds them: they stay in the retry partition until an operator releases
// the conversation, and so does everything that comes later.
#include "common/store/held_lanes.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

Task<> EngineCore::load_held(PairPtr pair) {
  for (std::uint32_t failures = 1; pair->admits(); ++failures) {
    const auto rows = co_await store::load_held_lanes(parts.database, spec.name, pair->number);
    if (rows) {
      for (const auto& row : *rows) take_hold(*pair, row);
      co_return;
    }
    const bool ours = co_await storage_pause(failures, *pair, rows.error());
    if (!ours) co_return;
  }
}

// An owner before this one who had not heard of his end may have made a dead letter since this one looked. His row was
// there before he sent the followers into retry, so it is seen before any of them runs.
Task<> EngineCore::look_for_hold(PairPtr pair, LaneId lane) {
  for (std::uint32_t failures = 1; pair->admits() && !pair->held.contains(lane); ++failures) {
    const auto row =
        co_await store::find_held_lane(parts.database, spec.name, pair->number, static_cast<std::int64_t>(lane));
    if (row) {
      if (*row && pair->admits() && !pair->held.contains(lane)) take_hold(*pair, **row);
      co_return;
    }
    const bool ours = co_await storage_pause(failures, *pair, row.error());
    if (!ours) co_return;
  }
}

void EngineCore::take_hold(Pair& pair, const store::HeldLane& row) {
  const auto lane = static_cast<LaneId>(row.lane);
  const Held held{row.event, row.why, row.since};
  hold(pair, lane, held);
  complete_dead_head(pair, lane, held);
}

// A parked head that became the dead letter, whose completion did not come to be committed. Where it was appended more
// than once it may stand behind its followers: then it has its turn again.
void EngineCore::complete_dead_head(Pair& pair, LaneId lane, const Held& held) {
  const auto event = event::EventId::parse(held.event);
  if (!event || !pair.parked.contains(lane) || !index.is_head(lane, short_id(*event))) return;
  const log::Offset offset = *index.head(lane);
  complete(pair, Which::retry, {&offset, 1});
  index.remove_head(lane);
  if (!index.holds(lane)) pair.parked.erase(lane);
}

// The row is durable; what stands behind the dead letter in memory goes where later events will go too.
void EngineCore::hold_followers(const PairPtr& pair, Lane& lane, Held held) {
  hold(*pair, lane.id, std::move(held));
  for (auto& queued : std::exchange(lane.queue, {})) move(pair, Move{std::move(queued), lane.id});
}

// The dead letter itself, which an operator replays while its followers wait: it runs before them.
bool EngineCore::is_held_head(const Pair& pair, LaneId lane, const event::Event& event) const {
  const auto held = pair.held.find(lane);
  return held != pair.held.end() && held->second.event == event.id.text();
}

// The row stands. Between then and now it may have been released, which was told while nothing was held here.
void EngineCore::hold(Pair& pair, LaneId lane, Held held) {
  held.number = ++holds_so_far;
  pair.held.insert_or_assign(lane, std::move(held));
  work.start(look_for_released());
}

std::uint64_t EngineCore::hold_of(const Pair& pair, LaneId lane) {
  const auto held = pair.held.find(lane);
  return held == pair.held.end() ? 0 : held->second.number;
}

// Only the hold that was there when the release was asked for or looked for: a released follower may have become the
// next dead letter meanwhile.
void EngineCore::let_go(Pair& pair, LaneId lane, std::uint64_t hold) {
  if (hold == 0 || hold_of(pair, lane) != hold) return;
  pair.held.erase(lane);
  parts.logger.info("a held conversation goes on", {{"pool", spec.name}, {"partition", pair.number}});
  // Its replayed head, or a follower that expires: they go on when it has ended.
  const bool head_runs = pair.lanes.contains(lane) || pair.burying.contains(lane);
  if (!pair.opened || head_runs || !index.holds(lane)) return;
  index.set_due(lane, parts.clock.now());
  arm_parked();
}

// Somebody released something, perhaps of ours.
Task<> EngineCore::look_for_released() {
  released_news = true;
  if (std::exchange(looks_for_released, true)) co_return;
  while (std::exchange(released_news, false)) {
    std::vector<PairPtr> holding;
    for (const auto& [number, pair] : pairs) {
      if (!pair->held.empty()) holding.push_back(pair);
    }
    for (const auto& pair : holding) {
      std::vector<std::pair<LaneId, std::uint64_t>> known;  // what is held from now on may not be among the rows
      for (const auto& [lane, held] : pair->held) known.emplace_back(lane, held.number);
      const auto rows = co_await store::load_held_lanes(parts.database, spec.name, pair->number);
      if (!rows) {
        released_news = co_await storage_pause(1, *pair, rows.error());
        continue;
      }
      for (const auto& [lane, hold] : known) {
        const bool still = std::any_of(rows->begin(), rows->end(),
                                       [id = lane](const auto& row) { return static_cast<LaneId>(row.lane) == id; });
        if (!still && pair->admits()) let_go(*pair, lane, hold);
      }
    }
  }
  looks_for_released = false;
}

}  // namespace sluice::engine
