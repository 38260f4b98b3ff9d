#include "workers/engine/trial.hpp"

#include <algorithm>

#include "common/base/ensure.hpp"

namespace sluice::engine {

Trial::Trial(const std::optional<CommitNote>& found) {
  if (!found) return;
  const bool died = found->open;
  const bool died_without_progress = died && !found->progress;
  if (found->group == 0 && !died_without_progress) {
    unclean_ends_ = died ? 0 : found->unclean_ends;
    return;
  }
  unclean_ends_ = found->unclean_ends + (died_without_progress ? 1 : 0);
  if (found->group == 0) {
    if (unclean_ends_ > unclean_ends_tolerated) group_ = everything;
    return;
  }
  const bool was_alone = found->group == 1;
  group_ = died ? std::max<std::uint32_t>(1, found->group / 2) : found->group;
  turn_ = found->suspect;
  if (was_alone && !found->progress) alone_ = found->alone + (died ? 1 : 0);
}

void Trial::begin(std::size_t count, log::Offset first) {
  ENSURE(count > 0 && (!is_on() || count <= group_), "a group is not empty and as large as the trial says at most");
  open_ = true;
  progress_ = false;
  if (!is_on()) return;
  group_ = static_cast<std::uint32_t>(count);
  if (group_ == 1 && turn_ == first) return;
  alone_ = 0;
  turn_ = first;
}

bool Trial::convicts(log::Offset first) const {
  return group_ == 1 && turn_ == first && alone_ >= deaths_alone_max;
}

void Trial::passed(bool more_wait) {
  progress_ = true;
  alone_ = 0;
  const bool all_passed = unclean_ends_ == unclean_ends_tolerated + 1;  // the first group was everything
  if (all_passed || !more_wait) {
    group_ = 0;
    unclean_ends_ = 0;
  } else {
    group_ = group_ > everything / 2 ? everything : group_ * 2;
  }
}

void Trial::write(CommitNote& note, bool open, bool moved) const {
  const bool progress = is_on() ? progress_ : moved;
  note.open = open && open_;
  note.progress = note.open && progress;
  note.unclean_ends = progress && !is_on() ? 0 : unclean_ends_;
  note.group = group_;
  note.alone = alone_;
  note.suspect = turn_;
}

}  // namespace sluice::engine
