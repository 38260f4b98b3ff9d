#include "workers/engine/tracker.hpp"

#include <algorithm>

#include "common/base/ensure.hpp"

namespace sluice::engine {

Tracker::Tracker(log::Offset watermark, std::vector<DoneRun> done) : next_(watermark) {
  for (const auto& run : done) {
    ENSURE(run.first <= run.last, "a run of done offsets is not empty");
    if (run.last >= watermark) done_before_.push_back(run);
  }
}

std::optional<Tracker::Place> Tracker::find(log::Offset offset) const {
  const auto found = std::lower_bound(taken_.begin(), taken_.end(), offset);
  if (found == taken_.end() || *found != offset) return std::nullopt;
  return front_ + static_cast<Place>(found - taken_.begin());
}

bool Tracker::is_done_at(Place place) const {
  const auto behind = runs_.upper_bound(place);
  return behind != runs_.begin() && std::prev(behind)->second >= place;
}

bool Tracker::is_done(log::Offset offset) const {
  if (!taken_.empty() && offset < taken_.front()) return true;
  if (const auto place = find(offset)) return is_done_at(*place);
  if (taken_.empty() && offset < next_) return true;
  return std::any_of(done_before_.begin(), done_before_.end(),
                     [offset](const DoneRun& run) { return run.first <= offset && offset <= run.last; });
}

bool Tracker::take(log::Offset offset) {
  if (const auto known = find(offset)) return !is_done_at(*known);
  if (offset < (taken_.empty() ? next_ : taken_.front())) return false;
  ENSURE(taken_.empty() || offset > taken_.back(), "offsets are taken in rising order");
  while (!done_before_.empty() && done_before_.front().last < offset) done_before_.pop_front();
  const bool done_before = !done_before_.empty() && done_before_.front().first <= offset;
  if (done_before) done_before_.front().first = offset + 1;  // an empty run is dropped at the next take
  next_ = offset + 1;
  if (done_before && taken_.empty()) return false;
  taken_.push_back(offset);
  if (done_before) {
    add_done(front_ + taken_.size() - 1);
  } else {
    ++unfinished_;
  }
  return !done_before;
}

void Tracker::done(log::Offset offset) {
  const auto place = find(offset);
  if (!place || is_done_at(*place)) {
    ENSURE(is_done(offset), "only what was taken can be done");
    return;
  }
  add_done(*place);
  --unfinished_;
  ++changes_;
  forget_front();
}

// Joins it with the runs beside it.
void Tracker::add_done(Place place) {
  auto behind = runs_.upper_bound(place);
  const bool joins_behind = behind != runs_.end() && behind->first == place + 1;
  if (behind != runs_.begin()) {
    const auto before = std::prev(behind);
    if (before->second + 1 == place) {
      before->second = joins_behind ? behind->second : place;
      if (joins_behind) runs_.erase(behind);
      return;
    }
  }
  Place last = place;
  if (joins_behind) {
    last = behind->second;
    behind = runs_.erase(behind);
  }
  runs_.emplace_hint(behind, place, last);
}

void Tracker::forget_front() {
  if (runs_.empty() || runs_.begin()->first != front_) return;
  const Place behind = runs_.begin()->second + 1;
  taken_.erase(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(behind - front_));
  front_ = behind;
  runs_.erase(runs_.begin());
}

log::Offset Tracker::watermark() const {
  return taken_.empty() ? next_ : taken_.front();
}

Tracker::Progress Tracker::progress(std::span<const log::Offset> also, std::size_t runs_max) const {
  struct Run {
    Place first;
    Place last;
  };
  std::vector<Run> merged;  // of places, in order: one more than asked for, in case the first ends below the watermark
  auto run = runs_.begin();
  auto more = also.begin();
  const auto add = [&](Place first, Place last) {
    if (!merged.empty() && first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, last);
    } else {
      merged.push_back({first, last});
    }
  };
  const auto enough = [&] { return merged.size() > runs_max && merged.size() - runs_max > 1; };
  while ((run != runs_.end() || more != also.end()) && !enough()) {
    const auto place = more != also.end() ? find(*more) : std::nullopt;
    if (more != also.end() && !place) {
      ++more;  // below the front: done long ago
    } else if (run == runs_.end() || (place && *place < run->first)) {
      add(*place, *place);
      ++more;
    } else {
      add(run->first, run->second);
      ++run;
    }
  }
  Progress progress{.watermark = watermark(), .done = {}};
  auto from = merged.begin();
  if (from != merged.end() && from->first == front_) {
    const bool all = from->last + 1 == front_ + taken_.size();
    progress.watermark = all ? next_ : at(from->last + 1);
    ++from;
  }
  for (; from != merged.end() && progress.done.size() < runs_max; ++from)
    progress.done.push_back({at(from->first), at(from->last)});
  for (const auto& before : done_before_) {
    if (progress.done.size() >= runs_max) break;
    if (before.first <= before.last) progress.done.push_back(before);
  }
  return progress;
}

}  // namespace sluice::engine
