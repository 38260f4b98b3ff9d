// Hand-over: stop admitting, let what runs finish, commit, go. What is unfinished then goes on as an orphan.
#include <algorithm>

#include "common/async/deadline.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

void EngineCore::told(log::Revoking& revoking) {
  std::vector<PairPtr> leaving;
  for (const auto& partition : revoking.partitions) {
    const auto found = pairs.find(partition.number);
    if (found == pairs.end() || std::find(leaving.begin(), leaving.end(), found->second) != leaving.end()) continue;
    found->second->leaving = true;  // it may be already, when the engine stops
    leaving.push_back(found->second);
  }
  work.start(hand_over(std::move(leaving), std::move(revoking.partitions), revoking.deadline));
}

namespace {

Task<> until_quiet(PairPtr pair) {
  while (pair->running > 0 || pair->acting > 0 || pair->mover_runs || pair->flush_runs) co_await pair->changed.wait();
}

}  // namespace

Task<> EngineCore::hand_over(std::vector<PairPtr> leaving, std::vector<log::Partition> partitions, Instant deadline) {
  const Duration for_the_commit = std::chrono::milliseconds{250};
  for (const auto& pair : leaving) {
    for (const auto& [id, lane] : pair->lanes) lane->changed.notify_all();  // nobody goes on waiting for another try
    pair->changed.notify_all();
    pair->main_admission.changed.notify_all();
    pair->retry_admission.changed.notify_all();
  }
  for (const auto& pair : leaving) {
    [[maybe_unused]] const bool quiet = co_await within(parts.clock, deadline - for_the_commit, until_quiet(pair));
    if (pair->current) co_await commit_pair(pair);
    drop(pair);
  }
  // What came back under a new epoch meanwhile is not what was revoked.
  std::erase_if(partitions, [this](const log::Partition& partition) { return pairs.contains(partition.number); });
  consumer->release(partitions);
}

// From now on somebody else may own it. Frames that still run hold the pair; nothing of theirs is completed any more.
void EngineCore::drop(PairPtr pair) {
  pair->current = false;
  pair->leaving = true;
  for (const LaneId lane : pair->parked) {
    index.forget(lane);
    pausing.forget(lane);
  }
  pair->parked.clear();
  for (const auto& [id, lane] : pair->lanes) lane->changed.notify_all();
  for (const auto& item : pair->to_move) {
    figures.records -= 1;
    figures.bytes -= item.queued.bytes;
  }
  pair->to_move.clear();
  for (auto* waiting : {&pair->main_admission.events, &pair->reading}) {
    for (const auto& queued : *waiting) {
      figures.records -= 1;
      figures.bytes -= queued.bytes;
    }
    waiting->clear();
  }
  pair->changed.notify_all();
  pair->main_admission.changed.notify_all();
  pair->retry_admission.changed.notify_all();
  const auto place = pairs.find(pair->number);
  if (place != pairs.end() && place->second == pair) pairs.erase(place);
  figures.pairs = pairs.size();
}

// A stop: everything that runs gets drain_max, then the group is left.
Task<> EngineCore::drain() {
  const Instant deadline = parts.clock.now() + limits.drain_max;
  std::vector<PairPtr> all;
  for (const auto& [number, pair] : pairs) {
    pair->leaving = true;
    for (const auto& [id, lane] : pair->lanes) lane->changed.notify_all();
    pair->changed.notify_all();
    pair->main_admission.changed.notify_all();
    pair->retry_admission.changed.notify_all();
    all.push_back(pair);
  }
  for (const auto& pair : all) {
    [[maybe_unused]] const bool quiet = co_await within(parts.clock, deadline, until_quiet(pair));
    if (pair->current) co_await commit_pair(pair);
  }
  for (const auto& pair : all) drop(pair);
  [[maybe_unused]] const bool told = co_await within(parts.clock, deadline, write_journal());
  if (consumer != nullptr) consumer->close();
}

}  // namespace sluice::engine
