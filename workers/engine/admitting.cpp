// When what was read may run. Before anything of a side runs, its commit's note says that something does, so that an
// end of the process is noticed by the next owner; after ends without progress events run in trial groups (trial.hpp).
#include <algorithm>
#include <unordered_set>

#include "workers/engine/core.hpp"
#include "workers/engine/letter.hpp"

namespace sluice::engine {
namespace {

Outcome crashed() {
  return Never{.why = {Kind::ours, "the process died each time this event ran alone"},
               .code = std::string{crash_suspect},
               .error_class = crash_suspect};
}

}  // namespace

void EngineCore::admit(const PairPtr& pair, Queued&& queued) {
  count_in(*pair, queued);
  if (pair->main_admission.flows) {
    proceed(pair, std::move(queued));
    return;
  }
  pair->main_admission.events.push_back(std::move(queued));
  pair->main_admission.changed.notify_all();
}

void EngineCore::admit_head(const PairPtr& pair, LaneId lane) {
  if (pair->retry_admission.flows) {
    work.start(live_parked(pair, lane));
    return;
  }
  pair->retry_admission.heads.push_back(lane);
  pair->retry_admission.changed.notify_all();
}

// False: the side is no longer ours.
Task<bool> EngineCore::begin_group(PairPtr pair, Which which, std::size_t count, log::Offset first) {
  if (!pair->admits()) co_return false;
  side(*pair, which).trial.begin(count, first);
  const bool noted = co_await commit_until_durable(pair, which);
  co_return noted && pair->admits();
}

Task<bool> EngineCore::commit_until_durable(PairPtr pair, Which which) {
  for (std::uint32_t failures = 1; pair->current && consumer != nullptr; ++failures) {
    while (pair->flush_runs) co_await pair->changed.wait();  // see commit_pair()
    if (!pair->current || consumer == nullptr) break;
    std::vector<log::Commit> commits;
    commits.push_back(*commit_of(*pair, which));
    auto committed = co_await consumer->commit(std::move(commits));
    if (committed || committed.error().kind == Kind::invalid) co_return pair->current;
    if (committed.error().kind == Kind::stale) co_return false;
    const bool ours = co_await storage_pause(failures, *pair, committed.error());
    if (!ours) co_return false;
  }
  co_return false;
}

void EngineCore::survived(Pair& pair, Which which, std::uint64_t name) {
  auto& those = admission(pair, which);
  if (those.on_trial.erase(name) > 0 && those.on_trial.empty()) those.changed.notify_all();
}

// Runs one group and waits until each of it has ended or has shown that it does no harm. A group of one runs in
// solitude.
Task<> EngineCore::try_group(PairPtr pair, Which which, Group chosen) {
  auto& trial = side(*pair, which).trial;
  std::optional<Solitude::Stay> stay;
  if (chosen.of.size() == 1) {
    auto taken = co_await solitude.take(runner(chosen.of.front().lane));
    stay.emplace(std::move(taken));
  }
  if (chosen.of.size() == 1 && trial.convicts(chosen.of.front().offset)) {
    co_await convict(pair, which, std::move(chosen.of.front()));
  } else {
    const bool began = co_await begin_group(pair, which, chosen.of.size(), chosen.first);
    if (!began) {
      for (const auto& one : chosen.of) leave_out(one);
      co_return;
    }
    auto& on_trial = admission(*pair, which).on_trial;
    for (const auto& one : chosen.of) on_trial.insert(one.name(which));
    for (auto& one : chosen.of) {
      if (one.queued) {
        proceed(pair, std::move(*one.queued));
      } else {
        work.start(live_parked(pair, one.lane));
      }
    }
    while (pair->admits() && !on_trial.empty()) co_await admission(*pair, which).changed.wait();
  }
  if (pair->admits()) {
    const auto& waiting = admission(*pair, which);
    trial.passed(!waiting.events.empty() || !waiting.heads.empty());
    // Before anybody else may run: the next one to kill the process must not be the reason why this one is blamed.
    [[maybe_unused]] const bool noted = co_await commit_until_durable(pair, which);
  }
}

// The pair has gone before it ran.
void EngineCore::leave_out(const Candidate& one) {
  if (!one.queued) return;
  figures.records -= 1;
  figures.bytes -= one.queued->bytes;
}

Task<> EngineCore::convict(PairPtr pair, Which which, Candidate one) {
  parts.logger.error(
      "an event that killed the process each time it was alone becomes a dead letter",
      {{"pool", spec.name}, {"partition", pair->number}, {"offset", one.offset}, {"class", crash_suspect}});
  constexpr std::uint32_t tries = Trial::deaths_alone_max - 1;  // before the last one
  if (which == Which::retry) {
    auto record = co_await fetch(pair, which, one.offset);
    if (!record || !pair->admits()) co_return;
    auto event = event::decode(record->key(), record->value(), record->headers());
    ENSURE(event.has_value(), "a record that was read once can be read again");
    auto head = co_await head_of(pair, one.lane, *event);
    if (!head || !pair->admits()) co_return;
    head->tries = std::max(head->tries, tries);
    Outcome outcome = crashed();
    const bool goes_on = co_await act_parked(pair, one.offset, *event, std::move(*head), std::move(outcome));
    if (!goes_on || !pair->admits() || !index.holds(one.lane)) co_return;
    index.set_due(one.lane, parts.clock.now());
    arm_parked();
    co_return;
  }
  std::optional<Held> holds;
  Finished finished = Finished::overtaken;
  while (finished == Finished::overtaken) {
    Outcome outcome = crashed();
    const auto& event = one.queued->event;
    auto settled = settle(outcome, event, which, tries);
    const bool ours = co_await add_letter(pair, settled, std::get<Never>(std::move(outcome)), event, one.offset, tries);
    if (!ours) break;
    settled.finish.offsets.push_back(one.offset);
    holds = std::move(settled.holds);
    finished = co_await finish(pair, std::move(settled.finish));
  }
  if (finished != Finished::durable) {
    leave_out(one);
    co_return;
  }
  count_out(*pair, *one.queued);
  if (holds) hold(*pair, one.lane, std::move(*holds));
}

// Those whose turn it is, and before them what is earlier of their conversations. The turn is never one's whose
// conversation is in memory already: that one waits for something, so this one cannot run.
EngineCore::Group EngineCore::next_events(Pair& pair) {
  const auto& trial = pair.main->trial;
  auto& events = pair.main_admission.events;
  const std::size_t count = std::min(events.size(), trial.group_max());
  const auto can_run = [&](const Queued& queued) { return !pair.lanes.contains(lane_of(queued.event.key)); };
  const auto turn = std::lower_bound(events.begin(), events.end(), trial.turn(),
                                     [](const Queued& queued, log::Offset offset) { return queued.offset < offset; });
  auto at = std::find_if(turn, events.end(), can_run);
  if (at == events.end()) at = std::find_if(events.begin(), turn, can_run);
  if (at == events.end()) at = events.begin();
  Group chosen{.first = at->offset};
  std::unordered_set<LaneId> lanes;
  for (std::size_t n = 0; n < count; ++n) {
    lanes.insert(lane_of(at->event.key));
    if (++at == events.end()) at = events.begin();
  }
  for (auto& queued : std::exchange(events, {})) {
    const LaneId lane = lane_of(queued.event.key);
    if (chosen.of.size() == count || !lanes.contains(lane)) {
      events.push_back(std::move(queued));
      continue;
    }
    const log::Offset offset = queued.offset;
    chosen.of.push_back({offset, lane, std::move(queued)});
  }
  if (count == 1) chosen.first = chosen.of.front().offset;
  return chosen;
}

EngineCore::Group EngineCore::next_heads(Pair& pair) {
  const auto& trial = pair.retry->trial;
  auto& heads = pair.retry_admission.heads;
  Group chosen;
  for (const LaneId lane : std::exchange(heads, {})) chosen.of.push_back({*index.head(lane), lane});
  std::sort(chosen.of.begin(), chosen.of.end(), [turn = trial.turn()](const auto& one, const auto& other) {
    return std::pair{one.offset < turn, one.offset} < std::pair{other.offset < turn, other.offset};
  });
  for (; chosen.of.size() > trial.group_max(); chosen.of.pop_back()) heads.push_back(chosen.of.back().lane);
  chosen.first = chosen.of.front().offset;
  return chosen;
}

Task<> EngineCore::admit_events(PairPtr pair) {
  auto& waiting = pair->main_admission;
  auto& trial = pair->main->trial;
  const auto group_is_there = [&] {
    if (waiting.events.empty()) return false;
    const bool turn_is_there = waiting.events.back().offset >= trial.turn();
    return pair->main_at_end || pair->main->paused || (turn_is_there && waiting.events.size() >= trial.group_max());
  };
  while (pair->admits() && trial.is_on()) {
    while (pair->admits() && !group_is_there()) co_await waiting.changed.wait();
    if (!pair->admits()) break;
    co_await try_group(pair, Which::main, next_events(*pair));
  }
  while (pair->admits() && waiting.events.empty()) co_await waiting.changed.wait();
  if (!pair->admits()) co_return;
  const bool began = co_await begin_group(pair, Which::main, 1, waiting.events.front().offset);
  if (!began) co_return;
  waiting.flows = true;
  for (auto& queued : std::exchange(waiting.events, {})) proceed(pair, std::move(queued));
  watch_bounds(*pair);
}

Task<> EngineCore::admit_heads(PairPtr pair) {
  auto& waiting = pair->retry_admission;
  auto& trial = pair->retry->trial;
  const auto group_is_there = [&] {
    const auto next = index.earliest();
    const bool all_are_there = !next || *next > parts.clock.now();
    return !waiting.heads.empty() && (all_are_there || waiting.heads.size() >= trial.group_max());
  };
  while (pair->admits() && trial.is_on()) {
    while (pair->admits() && !group_is_there()) co_await waiting.changed.wait();
    if (!pair->admits()) break;
    co_await try_group(pair, Which::retry, next_heads(*pair));
  }
  while (pair->admits() && waiting.heads.empty()) co_await waiting.changed.wait();
  if (!pair->admits()) co_return;
  const bool began = co_await begin_group(pair, Which::retry, 1, *index.head(waiting.heads.front()));
  if (!began) co_return;
  waiting.flows = true;
  for (const LaneId lane : std::exchange(waiting.heads, {})) work.start(live_parked(pair, lane));
}

}  // namespace sluice::engine
