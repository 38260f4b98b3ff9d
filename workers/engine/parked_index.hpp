// The parked conversations of one pool in one process: which undone records of the retry partitions belong to which of
// them, and when the first one is due. Small on purpose: a parked event costs less than 64 bytes here, its own bytes
// stay in the log.
//
// A conversation is known by 64 bits of a hash of its key. Two that share them would wait for each other, and nothing
// worse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
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

  [[nodiscard]] bool holds(LaneId lane) const { return find(lane) != none; }
  [[nodiscard]] bool holds(LaneId lane, ShortId id) const;  // the same event stands there already
  [[nodiscard]] std::size_t behind(LaneId lane) const;      // without the head
  [[nodiscard]] std::optional<log::Offset> head(LaneId lane) const;
  [[nodiscard]] bool is_head(LaneId lane, ShortId id) const;

  void remove_head(LaneId lane);
  void forget(LaneId lane);  // its partition has gone

  // When the head is to be tried. A lane that is being tried has no due time.
  void set_due(LaneId lane, Instant due);
  void clear_due(LaneId lane);
  [[nodiscard]] bool is_due(LaneId lane) const;  // it has a due time: nobody is trying it now
  [[nodiscard]] std::optional<Instant> due_of(LaneId lane) const;
  [[nodiscard]] std::optional<Instant> earliest() const;
  [[nodiscard]] std::vector<LaneId> take_due(Instant now, std::size_t max);  // clears their due time

  [[nodiscard]] std::size_t lanes() const { return used_; }
  [[nodiscard]] std::size_t events() const { return events_; }

 private:
  // A conversation's record holds its head; followers are a list through one pool of nodes. Records and nodes never
  // move, so 32 bits name them; the table finds a record by its lane, the heap by its due time.
  using Name = std::uint32_t;
  static constexpr Name none = ~Name{0};

  struct Lane {
    LaneId id = 0;
    log::Offset offset = 0;  // of the head
    ShortId event = 0;
    Instant due{};
    Name first = none;  // of the followers
    Name last = none;
    std::uint32_t behind = 0;
    Name heap_place = none;  // none: it has no due time
  };
  struct Follower {
    log::Offset offset = 0;
    ShortId event = 0;
    Name next = none;
  };
  // Grows by a quarter, not by doubling: half empty it would cost as much as what it holds.
  template <class T>
  static void make_room(std::vector<T>& of);

  [[nodiscard]] Name find(LaneId lane) const;
  [[nodiscard]] std::size_t slot_of(LaneId lane) const;
  Name new_lane(LaneId lane);
  Name new_follower(const Follower& follower);
  void insert_behind(Lane& lane, const Follower& follower);
  void remove(Name name);
  void rehash(std::size_t slots);
  void erase_slot(std::size_t slot);

  [[nodiscard]] bool sooner(Name one, Name other) const;
  void put(std::size_t place, Name name);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void leave_heap(Lane& lane);

  std::deque<Lane> lanes_;
  std::deque<Follower> followers_;
  Name free_lane_ = none;      // through Lane::first
  Name free_follower_ = none;  // through Follower::next
  std::vector<Name> table_;    // open addressing, linear
  std::size_t used_ = 0;       // lanes
  std::vector<Name> heap_;     // by due time
  std::size_t events_ = 0;
};

}  // namespace sluice::engine
