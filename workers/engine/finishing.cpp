// The order of effects: outputs durable, then changes, then the event counts as complete. With an atomic log all three
// are one transaction, one at a time per pair; what finishes meanwhile shares the next. What has neither outputs nor
// changes waits for none: its completion goes with the next commit.
#include "workers/engine/core.hpp"

#include "common/event/partition.hpp"
#include "common/store/journal.hpp"

namespace sluice::engine {

struct Finishing {
  Finish what;
  std::optional<Finished> result;
  Signal settled;
};

log::Outgoing EngineCore::outgoing(const Output& output) const {
  auto encoded = event::encode(output.event);
  ENSURE(encoded.has_value(), "a handler's output can be written");
  const std::int32_t partition = event::partition_of(encoded->key, spec.partitions);
  return {.topic = event::main_topic_of(spec.prefix, output.to),
          .partition = partition,
          .key = std::move(encoded->key),
          .value = std::move(encoded->value),
          .headers = std::move(encoded->headers)};
}

namespace {

// Of the tries of one write that are not taken: so many are told that an alarm is heard, and no more.
bool is_told(std::uint32_t failures) {
  constexpr std::uint32_t every = 20;
  return failures == 1 || failures % every == 0;
}

}  // namespace

// The log or the database refuses or does not answer: try again, slower and slower, for as long as the pair is ours.
Task<bool> EngineCore::storage_pause(std::uint32_t failures, const Pair& pair, const Failure& why) {
  constexpr std::uint32_t doublings_max = 10;
  const Duration pause = std::min<Duration>(
      Duration{limits.storage_pause_min} * (1U << std::min(failures, doublings_max)), limits.storage_pause_max);
  if (is_told(failures)) {
    parts.logger.warn("the log or the database failed, trying again", {{"pool", spec.name},
                                                                       {"partition", pair.number},
                                                                       {"failures", failures},
                                                                       {"class", name_of(why.kind)},
                                                                       {"why", scrubbed(why.sentence)}});
  }
  co_await parts.clock.sleep_for(parts.random.between(pause / 2, pause));
  co_return pair.current;
}

void EngineCore::complete(Pair& pair, Which which, std::span<const log::Offset> offsets) {
  auto& tracker = side(pair, which).tracker;
  for (const log::Offset offset : offsets) tracker.done(offset);
  if (!offsets.empty()) side(pair, which).trial.progress();
  if (which == Which::main && !pair.main_admission.on_trial.empty()) {
    for (const log::Offset offset : offsets) survived(pair, which, static_cast<std::uint64_t>(offset));
  }
  figures.finished += offsets.size();
  completions += offsets.size();
  if (!committing) commit_soon();  // else its end does
}

// A record that may have been written is written again: its id is the same, and whoever reads it counts it once.
Task<bool> EngineCore::append_until_durable(PairPtr pair, const std::vector<log::Outgoing>& records) {
  for (std::uint32_t failures = 1; pair->current; ++failures) {
    auto appended = co_await parts.log.append(records);
    if (appended) co_return true;
    const bool hopeless = appended.error().kind == Kind::invalid || appended.error().kind == Kind::not_found;
    if (hopeless && is_told(failures)) {
      parts.logger.error(
          "the log refuses an output",
          {{"pool", spec.name}, {"class", name_of(appended.error().kind)}, {"why", appended.error().sentence}});
    }
    const bool ours = co_await storage_pause(failures, *pair, appended.error());
    if (!ours) co_return false;
  }
  co_return false;
}

Task<Finished> EngineCore::run_changes(PairPtr pair, const db::Batch& changes) {
  for (std::uint32_t failures = 1; pair->current; ++failures) {
    auto changed = co_await parts.database.run(changes);
    if (changed) co_return pair->current ? Finished::durable : Finished::orphaned;
    // What may have been done is asked for again from the handler, which is idempotent; so is what was overtaken.
    if (changed.error().kind == Kind::conflict || changed.error().kind == Kind::maybe_done)
      co_return Finished::overtaken;
    const bool ours = co_await storage_pause(failures, *pair, changed.error());
    if (!ours) co_return Finished::orphaned;
  }
  co_return Finished::orphaned;
}

void EngineCore::is_durable(Finish& what) {
  tell_journal(std::move(what.journal));
  if (what.buries) ++figures.dead;
}

// Without outputs and changes it is complete at once.
bool EngineCore::finish_at_once(Pair& pair, Finish& what) {
  const bool is_nothing = what.outputs.empty() && what.changes.statements.empty() && what.changes.notices.empty();
  if (!is_nothing) return false;
  complete(pair, what.which, what.offsets);
  is_durable(what);
  return true;
}

Task<Finished> EngineCore::finish(PairPtr pair, Finish what) {
  if (!pair->current) co_return Finished::orphaned;
  if (atomic()) {
    Finishing finishing{std::move(what), {}, {}};
    pair->finishing.push_back(&finishing);
    if (!pair->flush_runs) {
      pair->flush_runs = true;
      work.start(flush(pair));
    }
    while (!finishing.result) co_await finishing.settled.wait();
    co_return *finishing.result;
  }
  if (!what.outputs.empty()) {
    const bool durable = co_await append_until_durable(pair, what.outputs);
    if (!durable) co_return Finished::orphaned;
  }
  if (!what.changes.statements.empty() || !what.changes.notices.empty()) {
    const Finished changed = co_await run_changes(pair, what.changes);
    if (changed != Finished::durable) co_return changed;
  }
  if (!pair->current) co_return Finished::orphaned;
  complete(*pair, what.which, what.offsets);
  is_durable(what);
  co_return Finished::durable;
}

namespace {

bool may_share(const Finish& what) {
  return std::all_of(what.changes.statements.begin(), what.changes.statements.end(),
                     [](const db::Statement& statement) {
                       return statement.expect.rows_min == 0 && statement.expect.rows_max == db::Expect::any().rows_max;
                     });
}

void settle_all(const std::vector<Finishing*>& settled, Finished result) {
  for (auto* finishing : settled) {
    finishing->result = result;
    finishing->settled.notify_all();
  }
}

struct Shared {  // one transaction
  std::vector<log::Outgoing> outputs;
  db::Batch changes;
  std::vector<log::Offset> main;
  std::vector<log::Offset> retry;

  void add(const Finish& what) {
    outputs.insert(outputs.end(), what.outputs.begin(), what.outputs.end());
    changes.statements.insert(changes.statements.end(), what.changes.statements.begin(), what.changes.statements.end());
    changes.notices.insert(changes.notices.end(), what.changes.notices.begin(), what.changes.notices.end());
    auto& offsets = what.which == Which::main ? main : retry;
    offsets.insert(offsets.end(), what.offsets.begin(), what.offsets.end());
  }
};

}  // namespace

// Takes what may share one transaction: everything up to one with an expectation, which has its own.
static std::vector<Finishing*> take_group(std::deque<Finishing*>& waiting) {
  constexpr std::size_t group_max = 256;
  std::vector<Finishing*> taken;
  while (!waiting.empty() && taken.size() < group_max) {
    const bool shares = may_share(waiting.front()->what);
    if (!shares && !taken.empty()) break;
    taken.push_back(waiting.front());
    waiting.pop_front();
    if (!shares) break;
  }
  return taken;
}

Task<> EngineCore::flush(PairPtr pair) {
  std::uint32_t failures = 0;
  std::vector<Finishing*> together;
  while (true) {
    if (together.empty()) together = take_group(pair->finishing);
    if (together.empty()) break;
    if (!pair->current) {
      settle_all(std::exchange(together, {}), Finished::orphaned);
      continue;
    }
    Shared shared;
    for (const auto* finishing : together) shared.add(finishing->what);
    std::sort(shared.main.begin(), shared.main.end());
    std::sort(shared.retry.begin(), shared.retry.end());
    std::vector<log::Commit> commits;
    if (!shared.main.empty()) commits.push_back(*commit_of(*pair, Which::main, true, shared.main));
    if (!shared.retry.empty()) commits.push_back(*commit_of(*pair, Which::retry, true, shared.retry));
    pair->transaction_runs = true;
    auto done =
        co_await parts.log.append_atomically(std::move(shared.outputs), std::move(shared.changes), std::move(commits));
    pair->transaction_runs = false;
    if (done && pair->current) {
      complete(*pair, Which::main, shared.main);
      complete(*pair, Which::retry, shared.retry);
      for (auto* finishing : together) is_durable(finishing->what);
      settle_all(std::exchange(together, {}), Finished::durable);
      failures = 0;
      continue;
    }
    for (auto* place : {&pair->main, &pair->retry})
      if (*place) (*place)->committed_changes = ~std::uint64_t{0};  // what may not have been told is told again
    if (done || done.error().kind == Kind::stale) {
      if (pair->current) drop(pair);  // we are told so later; going on with what comes next would leave this out
      settle_all(std::exchange(together, {}), Finished::orphaned);
    } else if (done.error().kind == Kind::conflict || done.error().kind == Kind::maybe_done) {
      settle_all(std::exchange(together, {}), Finished::overtaken);
    } else {
      co_await storage_pause(++failures, *pair, done.error());
    }
  }
  pair->flush_runs = false;
  pair->changed.notify_all();
}

}  // namespace sluice::engine
