#include "common/log/simulated_coordinator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::log {

namespace {

bool is_metadata(const std::string& text) {
  return text.size() <= metadata_bytes_max && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

Result<std::int32_t> SimulatedCoordinator::partitions_of(const std::vector<std::string>& topics) const {
  if (topics.empty()) return fail(Kind::invalid, "a subscription names at least one topic");
  std::optional<std::int32_t> partitions;
  for (const auto& name : topics) {
    const auto* topic = store_.topic(name);
    if (topic == nullptr) return fail(Kind::not_found, fmt::format("there is no topic {}", name));
    if (partitions.value_or(topic->partitions) != topic->partitions) {
      return fail(Kind::invalid,
                  fmt::format("topics of one subscription need equal partitions: {} has {} and {} has {}",
                              topics.front(), *partitions, name, topic->partitions));
    }
    partitions = topic->partitions;
  }
  return *partitions;
}

Done SimulatedCoordinator::join(const std::shared_ptr<SimulatedMember>& member) {
  const auto& subscription = member->subscription();
  const auto partitions = partitions_of(subscription.topics);
  if (!partitions) return fail(partitions.error());
  auto& group = groups_.try_emplace(subscription.group, rules_, epochs_).first->second;
  if (!group.takes(subscription.topics)) {
    return fail(Kind::invalid, fmt::format("the members of group {} read other topics", subscription.group));
  }
  member->id = ++members_;
  seats_.emplace(member->id, Seat{subscription.group, member});
  network_.step(member->process().get(), fmt::format("joins {} as member {}", subscription.group, member->id));
  tell(subscription.group,
       group.join(member->id, subscription.topics, *partitions, subscription.revoke_wait_max, network_.now()));
  return {};
}

SimulatedGroup* SimulatedCoordinator::group_of(MemberId member) {
  const auto seat = seats_.find(member);
  return seat == seats_.end() ? nullptr : &groups_.at(seat->second.group);
}

void SimulatedCoordinator::close(MemberId member) {
  if (auto* group = group_of(member)) tell(seats_.at(member).group, group->close(member, network_.now()));
}

void SimulatedCoordinator::leave(MemberId member) {
  auto* group = group_of(member);
  if (group == nullptr) return;
  const auto name = seats_.at(member).group;
  seats_.erase(member);
  tell(name, group->leave(member, network_.now()));
}

void SimulatedCoordinator::release(MemberId member, const std::map<Partition, Epoch>& released) {
  if (auto* group = group_of(member)) tell(seats_.at(member).group, group->release(member, released, network_.now()));
}

void SimulatedCoordinator::expel(MemberId member) {
  auto* group = group_of(member);
  if (group == nullptr) return;
  network_.step(nullptr, fmt::format("member {} is expelled", member));
  tell(std::string{seats_.at(member).group}, group->expel(member, network_.now()));
}

void SimulatedCoordinator::expel_one(const std::string& group) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  const auto members = found->second.members();
  if (!members.empty()) expel(members[network_.faults.random().below(members.size())]);
}

void SimulatedCoordinator::rebalance(const std::string& group) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  network_.step(nullptr, fmt::format("{} is rebalanced", group));
  tell(group, found->second.rebalance(network_.now()));
}

void SimulatedCoordinator::tell(std::string group, News news) {
  for (auto& each : news) tell_one(std::move(each));
  watch_deadline(group);
}

// Who is expelled hears it late. Everything that one member hears comes in order.
void SimulatedCoordinator::tell_one(SimulatedGroup::News news) {
  const auto seat = seats_.find(news.to);
  if (seat == seats_.end()) return;
  auto member = seat->second.member;
  if (news.expelled || std::holds_alternative<Closed>(news.notice)) seats_.erase(seat);
  auto due = network_.now() + network_.faults.travel_time();
  if (news.expelled) due = member->process()->departure(due) + network_.faults.zombie_time();
  member->news_until = std::max(member->news_until, due);
  network_.at(member->news_until, [member, heard = std::move(news)]() mutable {
    member->process()->receive([member, heard = std::move(heard)]() mutable { member->hear(std::move(heard)); });
  });
}

void SimulatedCoordinator::watch_deadline(const std::string& group) {
  const auto deadline = groups_.at(group).next_deadline();
  if (!deadline) return;
  network_.at(std::max(*deadline, network_.back_at()), [this, group, planned = *deadline] {
    auto& late = groups_.at(group);
    if (network_.away()) {
      watch_deadline(group);
    } else if (late.next_deadline() == planned) {
      network_.step(nullptr, fmt::format("{} takes what wasn't released", group));
      tell(group, late.take_overdue(network_.now()));
    }
  });
}

void SimulatedCoordinator::watch_session(const std::shared_ptr<SimulatedProcess>& process) {
  network_.at(std::max(network_.now(), network_.back_at()) + session_max_, [this, process] {
    const bool still_frozen = process->frozen() && process->frozen_since() + session_max_ <= network_.now();
    if (!process->dead() && !still_frozen) return;
    if (network_.away()) {
      watch_session(process);
    } else {
      end_session(process);
    }
  });
}

void SimulatedCoordinator::end_session(const std::shared_ptr<SimulatedProcess>& process) {
  std::vector<MemberId> its_members;
  for (const auto& [id, seat] : seats_) {
    if (seat.member->process() == process) its_members.push_back(id);
  }
  for (const auto member : its_members) expel(member);
}

const SimulatedGroup* SimulatedCoordinator::holding_group(const Commit& commit, std::optional<MemberId> member) const {
  for (const auto& [name, group] : groups_) {
    const auto holder = group.holder(commit.partition, commit.epoch);
    if (holder && (!member || member == holder)) return &group;
  }
  return nullptr;
}

Done SimulatedCoordinator::check(const Commit& commit, std::optional<MemberId> member) const {
  if (!is_metadata(commit.metadata)) {
    return fail(Kind::invalid, fmt::format("commit metadata is up to {} bytes of printable ASCII", metadata_bytes_max));
  }
  if (holding_group(commit, member) != nullptr) return {};
  return fail(Kind::stale, fmt::format("epoch {} of partition {} of {} is over", commit.epoch, commit.partition.number,
                                       commit.partition.topic));
}

void SimulatedCoordinator::store(const Commit& commit) {
  for (auto& [name, group] : groups_) {
    if (!group.holder(commit.partition, commit.epoch)) continue;
    group.store(commit);
    network_.step(nullptr, fmt::format("{} commits {}/{} at {} under {}", name, commit.partition.topic,
                                       commit.partition.number, commit.watermark, commit.epoch));
  }
}

std::optional<Committed> SimulatedCoordinator::committed(const std::string& group, const Partition& partition) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  return found->second.committed(partition);
}

Offset SimulatedCoordinator::unfinished(const Partition& partition) const {
  auto lowest = std::numeric_limits<Offset>::max();
  for (const auto& [name, group] : groups_) lowest = std::min(lowest, group.needs(partition).value_or(lowest));
  return lowest;
}

std::vector<std::string> SimulatedCoordinator::groups() const {
  std::vector<std::string> names;
  names.reserve(groups_.size());
  for (const auto& [name, group] : groups_) names.push_back(name);
  return names;
}

void SimulatedCoordinator::watch(const std::shared_ptr<SimulatedMember>& member, const Partition& partition) {
  auto& watchers = watchers_[partition];
  std::erase_if(watchers, [&](const auto& watcher) {
    const auto other = watcher.lock();
    return !other || other == member;
  });
  watchers.push_back(member);
  look(member, partition);
}

void SimulatedCoordinator::appended(const Partition& partition) {
  const auto watchers = watchers_.find(partition);
  if (watchers == watchers_.end()) return;
  for (const auto& watcher : watchers->second) {
    if (const auto member = watcher.lock()) look(member, partition);
  }
}

void SimulatedCoordinator::look(const std::shared_ptr<SimulatedMember>& member, const Partition& partition) {
  const auto epoch = member->starts_looking(partition);
  if (!epoch) return;
  network_.at(network_.now() + network_.faults.travel_time(),
              [this, member, partition, epoch = *epoch] { read_end(member, partition, epoch); });
}

void SimulatedCoordinator::read_end(const std::shared_ptr<SimulatedMember>& member, const Partition& partition,
                                    Epoch epoch) {
  if (network_.away()) {
    network_.at(network_.back_at(), [this, member, partition, epoch] { read_end(member, partition, epoch); });
    return;
  }
  member->stops_looking(partition, epoch);
  const auto end = store_.find(partition)->next;
  member->process()->receive([member, partition, epoch, end] { member->saw_end(partition, epoch, end); });
}

}  // namespace sluice::log
