// Which offsets of one partition, under one assignment, are done. It is told what was taken and what is finished and
// answers what may be committed; it needs no broker, no thread and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/log/record.hpp"

namespace sluice::engine {

// Both ends included. Every record that exists in between is done.
struct DoneRun {
  log::Offset first = 0;
  log::Offset last = 0;
  bool operator==(const DoneRun&) const = default;
};

// A completion costs the logarithm of the number of runs of done offsets; what to commit costs the number of runs that
// are asked for, however many offsets are tracked: a retry partition tracks hundreds of thousands.
class Tracker {
 public:
  // From what was committed before: everything below `watermark` and in `done` needs no second run.
  explicit Tracker(log::Offset watermark, std::vector<DoneRun> done = {});

  // A record was delivered. False: it is done already, forget it. Offsets come in rising order; one that was taken
  // before (after a resume) is true again as long as it isn't done.
  bool take(log::Offset offset);
  void done(log::Offset offset);  // one that was taken; twice is fine

  [[nodiscard]] log::Offset watermark() const;  // the lowest that is not done; what to commit

  // What to commit: the watermark and the first `runs_max` runs of what is done above it, with `also` (rising offsets
  // that were taken) counted as done.
  struct Progress {
    log::Offset watermark = 0;
    std::vector<DoneRun> done;
  };
  [[nodiscard]] Progress progress(std::span<const log::Offset> also = {},
                                  std::size_t runs_max = std::numeric_limits<std::size_t>::max()) const;
  [[nodiscard]] std::size_t unfinished() const { return unfinished_; }
  [[nodiscard]] bool is_done(log::Offset offset) const;
  [[nodiscard]] std::uint64_t changes() const {
    return changes_;
  }  // rises with each done(): is there something to commit?

 private:
  using Place = std::uint64_t;  // of a taken offset, counted from the first one of this assignment

  [[nodiscard]] std::optional<Place> find(log::Offset offset) const;
  [[nodiscard]] bool is_done_at(Place place) const;
  [[nodiscard]] log::Offset at(Place place) const { return taken_[static_cast<std::size_t>(place - front_)]; }
  void add_done(Place place);
  void forget_front();

  std::deque<log::Offset> taken_;    // from the lowest that is not done on; rising
  Place front_ = 0;                  // of the first of them
  std::map<Place, Place> runs_;      // done ones among them: first and last place of neighbours
  std::deque<DoneRun> done_before_;  // of an earlier assignment, above what was taken so far
  log::Offset next_ = 0;             // the watermark when nothing is unfinished
  std::size_t unfinished_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace sluice::engine
