// Who reads what: the members of a group in this process share the partitions of its topics. Partition n of all topics
// goes to one member; members stand in the order in which they joined, and each has one range of numbers. A partition
// that moves is first revoked, then released or taken at the deadline, and then assigned under a higher epoch.
//
// It decides and tells; it knows neither the file nor the loop of anybody.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/guarded.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

using MemberId = std::uint64_t;

struct Grant {
  std::int32_t number = 0;  // of the partition, in every topic of the group
  Epoch epoch = 0;
};

// What a member is told, from whichever thread changes its group. Only passes it on; calls nothing of the groups.
class GroupMember {
 public:
  virtual ~GroupMember() = default;
  virtual void granted(std::vector<Grant> grants) = 0;
  virtual void revoked(std::vector<std::int32_t> numbers, Instant deadline) = 0;
  virtual void taken(std::vector<std::int32_t> numbers) = 0;  // the deadline passed, or it all ended
  virtual void left() = 0;                                    // it asked to leave and has nothing any more
  virtual void broken(Failure failure) = 0;
};

// From any thread.
class SqliteGroups {
 public:
  // `wake_at` asks that expire() be called at that time; it is called from any thread.
  SqliteGroups(const Clock& clock, std::function<void(Instant)> wake_at);

  // Epochs of a higher generation are above all of a lower one, so a number that the file keeps makes them rise across
  // restarts. The highest so far counts.
  void begin_generation(std::int64_t generation);

  // All members of a group read the same topics, whose partitions are `partitions` each. `member` is called until
  // drop() has returned.
  Result<MemberId> join(const Subscription& subscription, std::int32_t partitions, GroupMember& member);
  void release(MemberId member, const std::vector<std::int32_t>& numbers);
  void leave(MemberId member);  // revokes what it has
  void drop(MemberId member);   // it is gone: what it had goes to the others at once

  void expire();                           // takes what was not released in time
  void break_all(const Failure& failure);  // every member loses everything

  // The group that holds this partition under this epoch now.
  [[nodiscard]] std::optional<std::string> holder_of(const Partition& partition, Epoch epoch) const;
  [[nodiscard]] bool is_held(MemberId member, std::int32_t number, Epoch epoch) const;
  [[nodiscard]] std::vector<std::string> readers_of(std::string_view topic) const;  // groups with a member now

 private:
  struct Member {
    MemberId id = 0;
    GroupMember* told = nullptr;
    std::chrono::milliseconds revoke_wait_max{};
    bool leaving = false;
  };
  struct Slot {
    MemberId owner = 0;  // 0: nobody
    Epoch epoch = 0;
    std::optional<Instant> revoked_until;
  };
  struct Group {
    std::string name;
    std::vector<std::string> topics;  // sorted
    std::vector<Member> members;      // in the order in which they joined
    std::vector<Slot> slots;          // by partition number
  };
  struct State {
    std::map<std::string, Group, std::less<>> groups;
    std::unordered_map<MemberId, std::string> group_of;
    std::unordered_map<Epoch, std::pair<std::string, std::int32_t>> held;  // group and number, by the epoch in force
    MemberId last_member = 0;
    Epoch last_epoch = 0;
  };

  static Group* group_of(State& state, MemberId member);
  static Member* find(Group& group, MemberId member);
  static std::vector<MemberId> targets(const Group& group);
  static void free_slot(State& state, Slot& slot);
  static void remove(State& state, Group& group, MemberId member);
  void rebalance(State& state, Group& group);
  void tell_changes(State& state, Group& group);

  const Clock& clock_;
  const std::function<void(Instant)> wake_at_;
  Guarded<State> state_;
};

}  // namespace sluice::log
