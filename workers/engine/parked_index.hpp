// The parked conversations of one pool in one process: which undone records of the retry partitions belong to which of
// them, and when the first one is due. Small on purpose: a parked event costs less than 64 bytes here, its own bytes
// stay in the log.
//
// A conversation is known by 64 bits of a hash of its key. Two that share them would wait for each other, and nothing
// worse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/async/timer.hpp"
#include "common/log/record.hpp"

namespace sluice::engine {

using LaneId = std::uint64_t;   // of a conversation, in one pair of partitions
using ShortId = std::uint64_t;  // the first half of an event's id

class ParkedIndex {
 public:
  // An undone record of the retry partition. Order is that of the offsets; one that is known already changes nothing.
  void add(LaneId lane, log::Offset offset, ShortId id);

  [[nodiscard]] bool holds(LaneId lane) const { return lanes_.contains(lane); }
  [[nodiscard]] bool holds(LaneId lane, ShortId id) const;  // the same event stands there already
  [[nodiscard]] std::size_t behind(LaneId lane) const;      // without the head
  [[nodiscard]] std::optional<log::Offset> head(LaneId lane) const;

  void remove_head(LaneId lane);
  void forget(LaneId lane);  // its partition has gone

  // When the head is to be tried. A lane that is being tried has no due time.
  void set_due(LaneId lane, Instant due);
  void clear_due(LaneId lane);
  [[nodiscard]] bool is_due(LaneId lane) const;  // it has a due time: nobody is trying it now
  [[nodiscard]] std::optional<Instant> due_of(LaneId lane) const;
  [[nodiscard]] std::optional<Instant> earliest() const;
  [[nodiscard]] std::vector<LaneId> take_due(Instant now, std::size_t max);  // clears their due time

  [[nodiscard]] std::size_t lanes() const { return lanes_.size(); }
  [[nodiscard]] std::size_t events() const { return events_; }

 private:
  struct Entry {
    log::Offset offset;
    ShortId id;
  };
  struct Lane {
    std::vector<Entry> entries;  // rising; from `first` on
    std::uint32_t first = 0;
    std::optional<Instant> due;
  };

  std::unordered_map<LaneId, Lane> lanes_;
  std::set<std::pair<Instant, LaneId>> due_;
  std::size_t events_ = 0;
};

}  // namespace sluice::engine
