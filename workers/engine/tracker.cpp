#include "workers/engine/tracker.hpp"

#include <algorithm>
#include <iterator>

#include "common/base/ensure.hpp"

namespace sluice::engine {

Tracker::Tracker(log::Offset watermark, std::vector<DoneRun> done) : next_(watermark) {
  for (const auto& run : done) {
    ENSURE(run.first <= run.last, "a run of done offsets is not empty");
    if (run.last >= watermark) done_before_.push_back(run);
  }
}

std::deque<Tracker::Entry>::iterator Tracker::find(log::Offset offset) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), offset,
                                   [](const Entry& entry, log::Offset wanted) { return entry.offset < wanted; });
  return at != entries_.end() && at->offset == offset ? at : entries_.end();
}

bool Tracker::is_done(log::Offset offset) const {
  if (!entries_.empty() && offset < entries_.front().offset) return true;
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), offset,
                                   [](const Entry& entry, log::Offset wanted) { return entry.offset < wanted; });
  if (at != entries_.end() && at->offset == offset) return at->done;
  if (entries_.empty() && offset < next_) return true;
  return std::any_of(done_before_.begin(), done_before_.end(),
                     [offset](const DoneRun& run) { return run.first <= offset && offset <= run.last; });
}

bool Tracker::take(log::Offset offset) {
  if (const auto known = find(offset); known != entries_.end()) return !known->done;
  if (offset < (entries_.empty() ? next_ : entries_.front().offset)) return false;
  ENSURE(entries_.empty() || offset > entries_.back().offset, "offsets are taken in rising order");
  while (!done_before_.empty() && done_before_.front().last < offset) done_before_.pop_front();
  const bool done_before = !done_before_.empty() && done_before_.front().first <= offset;
  if (done_before) done_before_.front().first = offset + 1;  // an empty run is dropped at the next take
  next_ = offset + 1;
  if (done_before && entries_.empty()) return false;
  entries_.push_back({offset, done_before});
  if (!done_before) ++unfinished_;
  return !done_before;
}

void Tracker::done(log::Offset offset) {
  const auto entry = find(offset);
  if (entry == entries_.end() || entry->done) {
    ENSURE(is_done(offset), "only what was taken can be done");
    return;
  }
  entry->done = true;
  --unfinished_;
  ++changes_;
  forget_front();
}

void Tracker::forget_front() {
  while (!entries_.empty() && entries_.front().done) entries_.pop_front();
}

log::Offset Tracker::watermark() const {
  return entries_.empty() ? next_ : entries_.front().offset;
}

Tracker::Progress Tracker::progress(std::span<const log::Offset> also) const {
  Progress progress{.watermark = next_, .done = {}};
  bool found_watermark = false;
  bool in_run = false;
  auto next_also = also.begin();
  for (const auto& entry : entries_) {
    while (next_also != also.end() && *next_also < entry.offset) ++next_also;
    const bool done = entry.done || (next_also != also.end() && *next_also == entry.offset);
    if (!done) {
      if (!found_watermark) progress.watermark = entry.offset;
      found_watermark = true;
      in_run = false;
    } else if (found_watermark && in_run) {
      progress.done.back().last = entry.offset;
    } else if (found_watermark) {
      progress.done.push_back({entry.offset, entry.offset});
      in_run = true;
    }
  }
  std::copy_if(done_before_.begin(), done_before_.end(), std::back_inserter(progress.done),
               [](const DoneRun& run) { return run.first <= run.last; });
  return progress;
}

}  // namespace sluice::engine
