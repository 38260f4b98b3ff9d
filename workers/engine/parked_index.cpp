#include "workers/engine/parked_index.hpp"

#include <algorithm>

#include "common/base/ensure.hpp"

namespace sluice::engine {

template <class T>
void ParkedIndex::make_room(std::vector<T>& of) {
  constexpr std::size_t capacity_min = 16;
  if (of.size() == of.capacity()) of.reserve(std::max(capacity_min, of.size() + of.size() / 4));
}

// The table: where a lane stands, or where its search ends. Any size will do, so that it can grow by little.
std::size_t ParkedIndex::slot_of(LaneId lane) const {
  constexpr std::uint64_t spread = 0x9E3779B97F4A7C15ULL;
  constexpr unsigned half = 32;
  std::size_t slot = ((lane * spread) >> half) * table_.size() >> half;
  while (table_[slot] != none && lanes_[table_[slot]].id != lane) slot = slot + 1 == table_.size() ? 0 : slot + 1;
  return slot;
}

ParkedIndex::Name ParkedIndex::find(LaneId lane) const {
  return table_.empty() ? none : table_[slot_of(lane)];
}

void ParkedIndex::rehash(std::size_t slots) {
  std::vector<Name> old(slots, none);
  old.swap(table_);
  for (const Name name : old) {
    if (name != none) table_[slot_of(lanes_[name].id)] = name;
  }
}

// Those that were pushed on by this one move up, so that no search ends too early.
void ParkedIndex::erase_slot(std::size_t slot) {
  table_[slot] = none;
  for (std::size_t next = slot + 1 == table_.size() ? 0 : slot + 1; table_[next] != none;
       next = next + 1 == table_.size() ? 0 : next + 1) {
    const Name name = std::exchange(table_[next], none);
    table_[slot_of(lanes_[name].id)] = name;
  }
}

ParkedIndex::Name ParkedIndex::new_lane(LaneId lane) {
  constexpr std::size_t slots_min = 16;
  if (used_ + used_ / 4 >= table_.size()) rehash(std::max(slots_min, used_ + used_ / 2));
  Name name = free_lane_;
  if (name == none) {
    ENSURE(lanes_.size() < none, "32 bits name all parked conversations");
    name = static_cast<Name>(lanes_.size());
    lanes_.emplace_back();
  } else {
    free_lane_ = lanes_[name].first;
  }
  lanes_[name] = Lane{.id = lane};
  table_[slot_of(lane)] = name;
  ++used_;
  return name;
}

ParkedIndex::Name ParkedIndex::new_follower(const Follower& follower) {
  Name name = free_follower_;
  if (name == none) {
    ENSURE(followers_.size() < none, "32 bits name all parked events");
    name = static_cast<Name>(followers_.size());
    followers_.push_back(follower);
  } else {
    free_follower_ = followers_[name].next;
    followers_[name] = follower;
  }
  return name;
}

void ParkedIndex::add(LaneId lane_id, log::Offset offset, ShortId id) {
  const Name known = find(lane_id);
  if (known == none) {
    Lane& lane = lanes_[new_lane(lane_id)];
    lane.offset = offset;
    lane.event = id;
    ++events_;
    return;
  }
  Lane& lane = lanes_[known];
  if (lane.offset == offset) return;
  Follower follower{offset, id};
  if (offset < lane.offset) {
    follower = {lane.offset, lane.event};
    lane.offset = offset;
    lane.event = id;
  }
  insert_behind(lane, follower);
}

void ParkedIndex::insert_behind(Lane& lane, const Follower& follower) {
  Name before = none;  // almost always the last
  if (lane.last != none && followers_[lane.last].offset < follower.offset) {
    before = lane.last;
  } else {
    for (Name at = lane.first; at != none && followers_[at].offset <= follower.offset; at = followers_[at].next) {
      if (followers_[at].offset == follower.offset) return;
      before = at;
    }
  }
  const Name name = new_follower(follower);
  Name& place = before == none ? lane.first : followers_[before].next;
  followers_[name].next = std::exchange(place, name);
  if (followers_[name].next == none) lane.last = name;
  ++lane.behind;
  ++events_;
}

bool ParkedIndex::holds(LaneId lane_id, ShortId id) const {
  const Name name = find(lane_id);
  if (name == none) return false;
  const Lane& lane = lanes_[name];
  if (lane.event == id) return true;
  for (Name at = lane.first; at != none; at = followers_[at].next) {
    if (followers_[at].event == id) return true;
  }
  return false;
}

std::size_t ParkedIndex::behind(LaneId lane) const {
  const Name name = find(lane);
  return name == none ? 0 : lanes_[name].behind;
}

bool ParkedIndex::is_head(LaneId lane, ShortId id) const {
  const Name name = find(lane);
  return name != none && lanes_[name].event == id;
}

std::optional<log::Offset> ParkedIndex::head(LaneId lane) const {
  const Name name = find(lane);
  if (name == none) return std::nullopt;
  return lanes_[name].offset;
}

void ParkedIndex::remove_head(LaneId lane_id) {
  const Name name = find(lane_id);
  ENSURE(name != none, "only a parked conversation has a head");
  Lane& lane = lanes_[name];
  if (lane.first == none) {
    remove(name);
    return;
  }
  const Name next = lane.first;
  lane.offset = followers_[next].offset;
  lane.event = followers_[next].event;
  lane.first = std::exchange(followers_[next].next, free_follower_);
  if (lane.first == none) lane.last = none;
  free_follower_ = next;
  --lane.behind;
  --events_;
}

void ParkedIndex::forget(LaneId lane) {
  if (const Name name = find(lane); name != none) remove(name);
}

void ParkedIndex::remove(Name name) {
  Lane& lane = lanes_[name];
  leave_heap(lane);
  events_ -= lane.behind + std::size_t{1};
  if (lane.first != none) {
    followers_[lane.last].next = free_follower_;
    free_follower_ = lane.first;
  }
  erase_slot(slot_of(lane.id));
  lane = Lane{.first = free_lane_};
  free_lane_ = name;
  --used_;
  if (used_ > 0) return;
  *this = ParkedIndex{};  // after a great disturbance the memory goes back
}

void ParkedIndex::set_due(LaneId lane_id, Instant due) {
  const Name name = find(lane_id);
  ENSURE(name != none, "only a parked conversation can be due");
  Lane& lane = lanes_[name];
  leave_heap(lane);
  lane.due = due;
  make_room(heap_);
  heap_.push_back(name);
  lane.heap_place = static_cast<Name>(heap_.size() - 1);
  sift_up(heap_.size() - 1);
}

void ParkedIndex::clear_due(LaneId lane) {
  if (const Name name = find(lane); name != none) leave_heap(lanes_[name]);
}

bool ParkedIndex::is_due(LaneId lane) const {
  const Name name = find(lane);
  return name != none && lanes_[name].heap_place != none;
}

std::optional<Instant> ParkedIndex::due_of(LaneId lane) const {
  const Name name = find(lane);
  if (name == none || lanes_[name].heap_place == none) return std::nullopt;
  return lanes_[name].due;
}

std::optional<Instant> ParkedIndex::earliest() const {
  if (heap_.empty()) return std::nullopt;
  return lanes_[heap_.front()].due;
}

std::vector<LaneId> ParkedIndex::take_due(Instant now, std::size_t max) {
  std::vector<LaneId> taken;
  while (!heap_.empty() && taken.size() < max && lanes_[heap_.front()].due <= now) {
    Lane& lane = lanes_[heap_.front()];
    taken.push_back(lane.id);
    leave_heap(lane);
  }
  return taken;
}

// Of those that are due together the one that stands longer comes first.
bool ParkedIndex::sooner(Name one, Name other) const {
  const Lane& a = lanes_[one];
  const Lane& b = lanes_[other];
  return a.due != b.due ? a.due < b.due : a.offset < b.offset;
}

void ParkedIndex::put(std::size_t place, Name name) {
  heap_[place] = name;
  lanes_[name].heap_place = static_cast<Name>(place);
}

void ParkedIndex::sift_up(std::size_t place) {
  const Name name = heap_[place];
  while (place > 0 && sooner(name, heap_[(place - 1) / 2])) {
    put(place, heap_[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  put(place, name);
}

void ParkedIndex::sift_down(std::size_t place) {
  const Name name = heap_[place];
  while (true) {
    std::size_t child = place * 2 + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && sooner(heap_[child + 1], heap_[child])) ++child;
    if (!sooner(heap_[child], name)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, name);
}

void ParkedIndex::leave_heap(Lane& lane) {
  if (lane.heap_place == none) return;
  const std::size_t place = std::exchange(lane.heap_place, none);
  const Name last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  sift_up(place);
  sift_down(lanes_[last].heap_place);
}

}  // namespace sluice::engine
