#include "common/log/simulated_group.hpp"

#include <algorithm>
#include <utility>

#include "common/base/ensure.hpp"

namespace sluice::log {

SimulatedGroup::SimulatedGroup(Rules rules, Epoch& epochs) : rules_(rules), epochs_(epochs) {}

bool SimulatedGroup::takes(const std::vector<std::string>& topics) const {
  return members_.empty() || topics == topics_;
}

std::vector<SimulatedGroup::News> SimulatedGroup::join(MemberId member, const std::vector<std::string>& topics,
                                                       std::int32_t partitions,
                                                       std::chrono::milliseconds revoke_wait_max, Instant now) {
  ENSURE(takes(topics) && !has(member), "a member joins once and reads what its group reads");
  if (topics != topics_) {
    topics_ = topics;
    slots_.assign(static_cast<std::size_t>(partitions), Slot{});
  }
  members_.emplace(member, Member{revoke_wait_max, false});
  return settle(rules_.eager, now);
}

std::vector<SimulatedGroup::News> SimulatedGroup::close(MemberId member, Instant now) {
  if (!has(member)) return {};
  members_.at(member).closing = true;
  return settle(rules_.eager, now);
}

std::vector<SimulatedGroup::News> SimulatedGroup::leave(MemberId member, Instant now) {
  if (members_.erase(member) == 0) return {};
  free_slots_of(member);
  return settle(rules_.eager, now);
}

std::vector<SimulatedGroup::News> SimulatedGroup::expel(MemberId member, Instant now) {
  if (!has(member)) return {};
  Lost lost;
  for (std::size_t number = 0; number < slots_.size(); ++number) {
    if (slots_[number].owner != member) continue;
    for (auto& partition : partitions_of(number)) lost.partitions.push_back(partition);
  }
  std::vector<News> news;
  news.push_back({member, std::move(lost), true});
  for (auto& other : leave(member, now)) news.push_back(std::move(other));
  return news;
}

std::vector<SimulatedGroup::News> SimulatedGroup::release(MemberId member, const std::map<Partition, Epoch>& released,
                                                          Instant now) {
  for (const auto& [partition, epoch] : released) {
    if (holder(partition, epoch) != member) continue;  // it was taken meanwhile
    auto& slot = slots_[static_cast<std::size_t>(partition.number)];
    slot.released.insert(partition.topic);
    if (slot.released.size() == topics_.size())
      slot = Slot{.owner = {}, .epoch = slot.epoch, .deadline = {}, .released = {}};
  }
  return settle(false, now);
}

std::vector<SimulatedGroup::News> SimulatedGroup::take_overdue(Instant now) {
  std::map<MemberId, Lost> lost;
  for (std::size_t number = 0; number < slots_.size(); ++number) {
    auto& slot = slots_[number];
    if (!slot.deadline || *slot.deadline > now) continue;
    for (auto& partition : partitions_of(number)) {
      if (!slot.released.contains(partition.topic)) lost[*slot.owner].partitions.push_back(partition);
    }
    slot = Slot{.owner = {}, .epoch = slot.epoch, .deadline = {}, .released = {}};
  }
  std::vector<News> news;
  news.reserve(lost.size());
  for (auto& [member, what] : lost) news.push_back({member, std::move(what)});
  for (auto& other : settle(false, now)) news.push_back(std::move(other));
  return news;
}

std::vector<SimulatedGroup::News> SimulatedGroup::rebalance(Instant now) {
  return settle(true, now);
}

std::optional<Instant> SimulatedGroup::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& slot : slots_) {
    if (slot.deadline && (!next || *slot.deadline < *next)) next = slot.deadline;
  }
  return next;
}

std::vector<MemberId> SimulatedGroup::members() const {
  std::vector<MemberId> all;
  all.reserve(members_.size());
  for (const auto& [id, member] : members_) all.push_back(id);
  return all;
}

std::optional<MemberId> SimulatedGroup::holder(const Partition& partition, Epoch epoch) const {
  if (std::ranges::find(topics_, partition.topic) == topics_.end()) return std::nullopt;
  if (partition.number < 0 || static_cast<std::size_t>(partition.number) >= slots_.size()) return std::nullopt;
  const auto& slot = slots_[static_cast<std::size_t>(partition.number)];
  if (!slot.owner || slot.epoch != epoch || slot.released.contains(partition.topic)) return std::nullopt;
  return slot.owner;
}

void SimulatedGroup::store(const Commit& commit) {
  committed_[commit.partition] = Committed{commit.watermark, commit.metadata};
}

std::optional<Committed> SimulatedGroup::committed(const Partition& partition) const {
  const auto found = committed_.find(partition);
  if (found == committed_.end()) return std::nullopt;
  return found->second;
}

std::optional<Offset> SimulatedGroup::needs(const Partition& partition) const {
  if (const auto found = committed(partition)) return found->watermark;
  if (std::ranges::find(topics_, partition.topic) == topics_.end()) return std::nullopt;
  return 0;
}

// Brings what is towards what should be: takes away first, and gives only when nothing is on its way back.
std::vector<SimulatedGroup::News> SimulatedGroup::settle(bool everything_moves, Instant now) {
  std::vector<News> news;
  for (auto& [member, revoking] : revoke(everything_moves, now)) news.push_back({member, std::move(revoking)});
  for (const auto member : let_go()) news.push_back({member, Closed{}});
  if (next_deadline()) return news;
  for (auto& [member, assigned] : assign_free()) news.push_back({member, std::move(assigned)});
  return news;
}

std::map<MemberId, Revoking> SimulatedGroup::revoke(bool everything_moves, Instant now) {
  std::map<MemberId, Revoking> revokings;
  for (std::size_t number = 0; number < slots_.size(); ++number) {
    auto& slot = slots_[number];
    if (!slot.owner || slot.deadline) continue;
    if (target(number) == slot.owner && !everything_moves) continue;
    slot.deadline = now + members_.at(*slot.owner).revoke_wait_max;
    auto& revoking = revokings[*slot.owner];
    revoking.deadline = *slot.deadline;
    for (auto& partition : partitions_of(number)) revoking.partitions.push_back(std::move(partition));
  }
  return revokings;
}

std::vector<MemberId> SimulatedGroup::let_go() {
  std::vector<MemberId> gone;
  for (const auto& [id, member] : members_) {
    if (member.closing && std::ranges::find(slots_, std::optional{id}, &Slot::owner) == slots_.end())
      gone.push_back(id);
  }
  for (const auto member : gone) members_.erase(member);
  return gone;
}

std::map<MemberId, Assigned> SimulatedGroup::assign_free() {
  std::map<MemberId, Assigned> assigned;
  for (std::size_t number = 0; number < slots_.size(); ++number) {
    auto& slot = slots_[number];
    if (slot.owner) continue;
    slot.owner = target(number);
    if (!slot.owner) continue;
    slot.epoch = ++epochs_;
    for (auto& partition : partitions_of(number)) {
      auto from = committed(partition);
      assigned[*slot.owner].partitions.push_back({std::move(partition), slot.epoch, std::move(from)});
    }
  }
  return assigned;
}

void SimulatedGroup::free_slots_of(MemberId member) {
  for (auto& slot : slots_) {
    if (slot.owner == member) slot = Slot{.owner = {}, .epoch = slot.epoch, .deadline = {}, .released = {}};
  }
}

std::optional<MemberId> SimulatedGroup::target(std::size_t number) const {
  std::vector<MemberId> staying;
  for (const auto& [id, member] : members_) {
    if (!member.closing) staying.push_back(id);
  }
  if (staying.empty()) return std::nullopt;
  return staying[number * staying.size() / slots_.size()];  // with fewer partitions than members some get none
}

std::vector<Partition> SimulatedGroup::partitions_of(std::size_t number) const {
  std::vector<Partition> all;
  all.reserve(topics_.size());
  for (const auto& topic : topics_) all.push_back({topic, static_cast<std::int32_t>(number)});
  return all;
}

}  // namespace sluice::log
