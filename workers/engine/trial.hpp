// Finding the event that kills the process. An owner that died with events running, and without the watermark having
// moved, is an unclean end; the second one in a row begins the trial: the partition admits what was unfinished in
// groups, half as many at each further end, twice as many after a group that passed. An event that was alone in three
// ends in a row, and had not answered, is convicted. After an end the groups go on where the last one began: events
// that wait for something pass in every life, and would keep those behind them from their turn to be alone. What ends
// well above the watermark says nothing: it may be all the others, as often as the one that kills is tried. Whoever was
// in flight at a SIGKILL is no suspect: it passes a trial.
//
// Of one partition of one owner. It knows no events, no log and no time; what it says must be durable in the commit's
// note before the events of a group run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "workers/engine/commit_note.hpp"

namespace sluice::engine {

class Trial {
 public:
  static constexpr std::uint32_t unclean_ends_tolerated = 1;  // in a row
  static constexpr std::uint32_t deaths_alone_max = 3;

  Trial() = default;
  explicit Trial(const std::optional<CommitNote>& found);  // at assignment

  [[nodiscard]] bool is_on() const { return group_ > 0; }  // off: everything is admitted as it comes
  [[nodiscard]] std::size_t group_max() const { return group_; }
  [[nodiscard]] log::Offset turn() const { return turn_; }  // where the next group begins; after the last one the first

  // These are to run now: so many, the first of them at `first`. Its note must be durable before they do.
  void begin(std::size_t count, log::Offset first);
  // With a group of one: it is to become a dead letter instead of running again.
  [[nodiscard]] bool convicts(log::Offset first) const;
  void passed(bool more_wait);  // each of the group has ended, or has run without harm
  bool progress() { return is_on() && !std::exchange(progress_, true); }  // of the group; true: that is news

  // Takes over its part of the note; the other part is the tracker's. `open`: false when the owner lets go. `moved`:
  // the note's watermark is above the one at assignment.
  void write(CommitNote& note, bool open, bool moved) const;

 private:
  static constexpr std::uint32_t everything = std::numeric_limits<std::uint32_t>::max();

  bool open_ = false;  // something of this owner ran
  bool progress_ = false;
  std::uint32_t unclean_ends_ = 0;
  std::uint32_t group_ = 0;
  std::uint32_t alone_ = 0;
  log::Offset turn_ = 0;  // the first of the last group; of a group of one it is the suspect
};

}  // namespace sluice::engine
