// Telling the log what is done: a quarter of a second after the first completion, or after five hundred of them.
#include "workers/engine/core.hpp"

namespace sluice::engine {

void EngineCore::commit_soon() {
  const bool at_once = completions >= limits.commit_completions;
  if (commit_timer.armed() && !at_once) return;
  const Instant due = parts.clock.now() + (at_once ? Duration{} : Duration{limits.commit_pause});
  if (!commit_timer.armed() || due < commit_timer.due()) commit_timer.arm(due);
}

// None when the side is not assigned.
std::optional<log::Commit> EngineCore::commit_of(Pair& pair, Which which, bool open,
                                                 std::span<const log::Offset> also) {
  auto& place = which == Which::main ? pair.main : pair.retry;
  if (!place) return std::nullopt;
  constexpr std::size_t run_bytes_min = 2;
  auto progress = place->tracker.progress(also, log::metadata_bytes_max / run_bytes_min);
  CommitNote note{.done = std::move(progress.done)};
  place->trial.write(note, open, progress.watermark > place->watermark_at_first);
  std::string text = write_note(note, progress.watermark, log::metadata_bytes_max);
  if (which == Which::main)
    pair.map_share = static_cast<double>(text.size()) / static_cast<double>(log::metadata_bytes_max);
  place->committed_changes = place->tracker.changes();
  place->trial_changed = false;
  return log::Commit{.partition = place->partition,
                     .epoch = place->epoch,
                     .watermark = progress.watermark,
                     .metadata = std::move(text)};
}

// The last one of this owner: it lets go, however much is unfinished, so its end was clean. Not while a transaction of
// the pair is under way: it commits more than is known to be done, and arrives first.
Task<> EngineCore::commit_pair(PairPtr pair) {
  if (pair->transaction_runs) co_return;
  std::vector<log::Commit> commits;
  for (const Which which : {Which::main, Which::retry}) {
    if (auto commit = commit_of(*pair, which, false)) commits.push_back(std::move(*commit));
  }
  auto committed = co_await consumer->commit(std::move(commits));
  if (!committed) {
    parts.logger.warn("a commit failed", {{"pool", spec.name},
                                          {"partition", pair->number},
                                          {"class", name_of(committed.error().kind)},
                                          {"why", committed.error().sentence}});
  }
}

Task<> EngineCore::commit_all() {
  if (committing || consumer == nullptr) co_return;
  committing = true;
  completions = 0;
  std::vector<log::Commit> commits;
  for (const auto& [number, pair] : pairs) {
    if (!pair->current) continue;
    if (pair->transaction_runs) {
      commit_soon();  // see commit_pair()
      continue;
    }
    for (const Which which : {Which::main, Which::retry}) {
      const auto& place = which == Which::main ? pair->main : pair->retry;
      if (place && place->has_news()) commits.push_back(*commit_of(*pair, which));
    }
  }
  if (!commits.empty()) {
    auto committed = co_await consumer->commit(std::move(commits));
    if (!committed && committed.error().kind != Kind::stale) {
      parts.logger.warn(
          "a commit failed",
          {{"pool", spec.name}, {"class", name_of(committed.error().kind)}, {"why", committed.error().sentence}});
      for (const auto& [number, pair] : pairs) {  // what was not told is told next time
        if (pair->main) pair->main->committed_changes = ~std::uint64_t{0};
        if (pair->retry) pair->retry->committed_changes = ~std::uint64_t{0};
      }
      commit_soon();
    }
  }
  committing = false;
  if (completions > 0) commit_soon();
  for (const auto& [number, pair] : pairs) watch_bounds(*pair);
}

}  // namespace sluice::engine
