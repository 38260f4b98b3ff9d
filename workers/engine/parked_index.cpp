#include "workers/engine/parked_index.hpp"

#include <algorithm>

#include "common/base/ensure.hpp"

namespace sluice::engine {

void ParkedIndex::add(LaneId lane_id, log::Offset offset, ShortId id) {
  Lane& lane = lanes_[lane_id];
  const auto from = lane.entries.begin() + lane.first;
  const auto place = std::lower_bound(from, lane.entries.end(), offset,
                                      [](const Entry& entry, log::Offset wanted) { return entry.offset < wanted; });
  if (place != lane.entries.end() && place->offset == offset) return;
  lane.entries.insert(place, {offset, id});
  ++events_;
}

bool ParkedIndex::holds(LaneId lane_id, ShortId id) const {
  const auto lane = lanes_.find(lane_id);
  if (lane == lanes_.end()) return false;
  return std::any_of(lane->second.entries.begin() + lane->second.first, lane->second.entries.end(),
                     [id](const Entry& entry) { return entry.id == id; });
}

std::size_t ParkedIndex::behind(LaneId lane_id) const {
  const auto lane = lanes_.find(lane_id);
  return lane == lanes_.end() ? 0 : lane->second.entries.size() - lane->second.first - 1;
}

std::optional<log::Offset> ParkedIndex::head(LaneId lane_id) const {
  const auto lane = lanes_.find(lane_id);
  if (lane == lanes_.end()) return std::nullopt;
  return lane->second.entries[lane->second.first].offset;
}

void ParkedIndex::remove_head(LaneId lane_id) {
  const auto found = lanes_.find(lane_id);
  ENSURE(found != lanes_.end(), "only a parked conversation has a head");
  Lane& lane = found->second;
  --events_;
  if (++lane.first == lane.entries.size()) {
    clear_due(lane_id);
    lanes_.erase(found);
    return;
  }
  constexpr std::uint32_t slack = 64;  // moving the rest now and then keeps removal cheap and the memory bounded
  if (lane.first >= slack && lane.first * 2 >= lane.entries.size()) {
    lane.entries.erase(lane.entries.begin(), lane.entries.begin() + lane.first);
    lane.first = 0;
  }
}

void ParkedIndex::forget(LaneId lane_id) {
  const auto lane = lanes_.find(lane_id);
  if (lane == lanes_.end()) return;
  events_ -= lane->second.entries.size() - lane->second.first;
  clear_due(lane_id);
  lanes_.erase(lane);
}

void ParkedIndex::set_due(LaneId lane_id, Instant due) {
  const auto lane = lanes_.find(lane_id);
  ENSURE(lane != lanes_.end(), "only a parked conversation can be due");
  clear_due(lane_id);
  lane->second.due = due;
  due_.emplace(due, lane_id);
}

void ParkedIndex::clear_due(LaneId lane_id) {
  const auto lane = lanes_.find(lane_id);
  if (lane == lanes_.end() || !lane->second.due) return;
  due_.erase({*lane->second.due, lane_id});
  lane->second.due.reset();
}

bool ParkedIndex::is_due(LaneId lane_id) const {
  const auto lane = lanes_.find(lane_id);
  return lane != lanes_.end() && lane->second.due.has_value();
}

std::optional<Instant> ParkedIndex::due_of(LaneId lane_id) const {
  const auto lane = lanes_.find(lane_id);
  return lane == lanes_.end() ? std::nullopt : lane->second.due;
}

std::optional<Instant> ParkedIndex::earliest() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

std::vector<LaneId> ParkedIndex::take_due(Instant now, std::size_t max) {
  std::vector<LaneId> taken;
  while (!due_.empty() && due_.begin()->first <= now && taken.size() < max) {
    const LaneId lane = due_.begin()->second;
    clear_due(lane);
    taken.push_back(lane);
  }
  return taken;
}

}  // namespace sluice::engine
