#include "common/log/sqlite_group.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/ensure.hpp"

namespace sluice::log {

SqliteGroups::SqliteGroups(const Clock& clock, std::function<void(Instant)> wake_at)
    : clock_(clock), wake_at_(std::move(wake_at)) {}

void SqliteGroups::begin_generation(std::int64_t generation) {
  constexpr int epochs_per_generation_bits = 32;
  state_.with([generation](State& state) {
    state.last_epoch = std::max(state.last_epoch, generation << epochs_per_generation_bits);
  });
}

Result<MemberId> SqliteGroups::join(const Subscription& subscription, std::int32_t partitions, GroupMember& member) {
  auto topics = subscription.topics;
  std::ranges::sort(topics);
  return state_.with([&](State& state) -> Result<MemberId> {
    auto [found, is_new] = state.groups.try_emplace(subscription.group);
    auto& group = found->second;
    if (is_new) {
      group.name = subscription.group;
      group.topics = topics;
      group.slots.resize(static_cast<std::size_t>(partitions));
    } else if (group.topics != topics) {
      return fail(Kind::invalid, fmt::format("group {} reads {}; a member cannot read {} in it", group.name,
                                             fmt::join(group.topics, ", "), fmt::join(topics, ", ")));
    }
    const auto id = ++state.last_member;
    group.members.push_back({.id = id, .told = &member, .revoke_wait_max = subscription.revoke_wait_max});
    state.group_of.emplace(id, group.name);
    rebalance(state, group);
    return id;
  });
}

void SqliteGroups::release(MemberId member, const std::vector<std::int32_t>& numbers) {
  state_.with([&](State& state) {
    auto* group = group_of(state, member);
    if (group == nullptr) return;
    for (const auto number : numbers) {
      auto& slot = group->slots[static_cast<std::size_t>(number)];
      if (slot.owner == member && slot.revoked_until) free_slot(state, slot);
    }
    rebalance(state, *group);
  });
}

void SqliteGroups::leave(MemberId member) {
  state_.with([&](State& state) {
    auto* group = group_of(state, member);
    if (group == nullptr) return;
    find(*group, member)->leaving = true;
    rebalance(state, *group);
  });
}

void SqliteGroups::drop(MemberId member) {
  state_.with([&](State& state) {
    auto* group = group_of(state, member);
    if (group == nullptr) return;
    for (auto& slot : group->slots) {
      if (slot.owner == member) free_slot(state, slot);
    }
    remove(state, *group, member);
    rebalance(state, *group);
  });
}

void SqliteGroups::expire() {
  state_.with([this](State& state) {
    const auto now = clock_.now();
    std::optional<Instant> next;
    for (auto group = state.groups.begin(); group != state.groups.end();) {
      auto& each = (group++)->second;  // rebalancing may remove it
      std::map<MemberId, std::vector<std::int32_t>> taken;
      for (std::size_t number = 0; number < each.slots.size(); ++number) {
        auto& slot = each.slots[number];
        if (!slot.revoked_until) continue;
        if (*slot.revoked_until > now) {
          next = std::min(next.value_or(*slot.revoked_until), *slot.revoked_until);
          continue;
        }
        taken[slot.owner].push_back(static_cast<std::int32_t>(number));
        free_slot(state, slot);
      }
      for (auto& [member, numbers] : taken) find(each, member)->told->taken(std::move(numbers));
      if (!taken.empty()) rebalance(state, each);
    }
    if (next) wake_at_(*next);
  });
}

void SqliteGroups::break_all(const Failure& failure) {
  state_.with([&](State& state) {
    for (auto& [name, group] : state.groups) {
      for (const auto& member : group.members) member.told->broken(failure);
    }
    state.groups.clear();
    state.group_of.clear();
    state.held.clear();
  });
}

std::optional<std::string> SqliteGroups::holder_of(const Partition& partition, Epoch epoch) const {
  return state_.with([&](const State& state) -> std::optional<std::string> {
    const auto held = state.held.find(epoch);
    if (held == state.held.end() || held->second.second != partition.number) return std::nullopt;
    const auto& group = state.groups.find(held->second.first)->second;
    if (!std::ranges::binary_search(group.topics, partition.topic)) return std::nullopt;
    return group.name;
  });
}

bool SqliteGroups::is_held(MemberId member, std::int32_t number, Epoch epoch) const {
  return state_.with([&](const State& state) {
    const auto name = state.group_of.find(member);
    if (name == state.group_of.end()) return false;
    const auto& slot = state.groups.find(name->second)->second.slots[static_cast<std::size_t>(number)];
    return slot.owner == member && slot.epoch == epoch;
  });
}

std::vector<std::string> SqliteGroups::readers_of(std::string_view topic) const {
  return state_.with([topic](const State& state) {
    std::vector<std::string> readers;
    for (const auto& [name, group] : state.groups) {
      if (std::ranges::binary_search(group.topics, topic)) readers.push_back(name);
    }
    return readers;
  });
}

SqliteGroups::Group* SqliteGroups::group_of(State& state, MemberId member) {
  const auto name = state.group_of.find(member);
  return name == state.group_of.end() ? nullptr : &state.groups.find(name->second)->second;
}

SqliteGroups::Member* SqliteGroups::find(Group& group, MemberId member) {
  const auto found = std::ranges::find(group.members, member, &Member::id);
  ENSURE(found != group.members.end(), "who owns a partition is a member");
  return &*found;
}

void SqliteGroups::free_slot(State& state, Slot& slot) {
  state.held.erase(slot.epoch);
  slot = Slot{};
}

void SqliteGroups::remove(State& state, Group& group, MemberId member) {
  std::erase_if(group.members, [member](const Member& each) { return each.id == member; });
  state.group_of.erase(member);
}

// The numbers in ranges as even as they can be, the longer ones first, over the members that stay.
std::vector<MemberId> SqliteGroups::targets(const Group& group) {
  std::vector<MemberId> staying;
  for (const auto& member : group.members) {
    if (!member.leaving) staying.push_back(member.id);
  }
  std::vector<MemberId> targets;
  for (std::size_t i = 0; i < staying.size(); ++i) {
    const auto share = group.slots.size() / staying.size() + (i < group.slots.size() % staying.size() ? 1 : 0);
    targets.insert(targets.end(), share, staying[i]);
  }
  targets.resize(group.slots.size(), 0);
  return targets;
}

void SqliteGroups::rebalance(State& state, Group& group) {
  tell_changes(state, group);
  std::vector<MemberId> gone;
  for (const auto& member : group.members) {
    if (member.leaving && std::ranges::find(group.slots, member.id, &Slot::owner) == group.slots.end()) {
      gone.push_back(member.id);
    }
  }
  for (const auto member : gone) {
    find(group, member)->told->left();
    remove(state, group, member);
  }
  if (group.members.empty()) state.groups.erase(std::string{group.name});
}

void SqliteGroups::tell_changes(State& state, Group& group) {
  std::map<MemberId, std::vector<Grant>> granted;
  std::map<MemberId, std::vector<std::int32_t>> revoked;
  const auto wanted = targets(group);
  for (std::size_t number = 0; number < group.slots.size(); ++number) {
    auto& slot = group.slots[number];
    if (slot.owner == wanted[number] || slot.revoked_until) continue;
    if (slot.owner != 0) {
      slot.revoked_until = clock_.now() + find(group, slot.owner)->revoke_wait_max;
      revoked[slot.owner].push_back(static_cast<std::int32_t>(number));
      continue;
    }
    slot = {.owner = wanted[number], .epoch = ++state.last_epoch, .revoked_until = {}};
    state.held[slot.epoch] = {group.name, static_cast<std::int32_t>(number)};
    granted[slot.owner].push_back({static_cast<std::int32_t>(number), slot.epoch});
  }
  for (auto& [id, numbers] : revoked) {
    const auto deadline = *group.slots[static_cast<std::size_t>(numbers.front())].revoked_until;
    find(group, id)->told->revoked(std::move(numbers), deadline);
    wake_at_(deadline);
  }
  for (auto& [id, grants] : granted) find(group, id)->told->granted(std::move(grants));
}

}  // namespace sluice::log
