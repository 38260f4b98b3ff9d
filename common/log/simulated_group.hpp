// What a broker knows of one group: its members, who has which partition under which epoch, and what was committed.
// A plain state machine: each call answers with what the members must be told, and asks nobody for the time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/log/log.hpp"

namespace sluice::log {

using MemberId = std::int64_t;  // rises with every join

class SimulatedGroup {
 public:
  struct Rules {
    // All partitions of all members are revoked whenever somebody comes or goes, as Kafka's range assignor does; else
    // only those that move.
    bool eager = false;
  };
  struct News {
    MemberId to = 0;
    Notice notice;
    bool expelled = false;  // no member any more: it has to join again
  };

  // `epochs` is shared by all groups, so that an epoch and a partition name one member of one group.
  SimulatedGroup(Rules rules, Epoch& epochs);

  // Everybody in a group reads the same topics, all with `partitions` of them.
  [[nodiscard]] bool takes(const std::vector<std::string>& topics) const;
  std::vector<News> join(MemberId member, const std::vector<std::string>& topics, std::int32_t partitions,
                         std::chrono::milliseconds revoke_wait_max, Instant now);
  std::vector<News> close(MemberId member, Instant now);  // it is told Revoking for what it has, then Closed
  std::vector<News> leave(MemberId member, Instant now);  // it went without a word and is told nothing
  std::vector<News> expel(MemberId member, Instant now);  // its session is over; it is told Lost, sooner or later
  std::vector<News> release(MemberId member, const std::map<Partition, Epoch>& released, Instant now);
  std::vector<News> take_overdue(Instant now);  // from members that didn't release in time
  std::vector<News> rebalance(Instant now);     // everything is revoked and assigned again
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] bool has(MemberId member) const { return members_.contains(member); }
  [[nodiscard]] std::vector<MemberId> members() const;
  // Which member holds it under this epoch and may commit it; none when the epoch is stale.
  [[nodiscard]] std::optional<MemberId> holder(const Partition& partition, Epoch epoch) const;

  void store(const Commit& commit);
  [[nodiscard]] std::optional<Committed> committed(const Partition& partition) const;
  // The lowest offset that this group still needs; none when it has nothing to do with that topic.
  [[nodiscard]] std::optional<Offset> needs(const Partition& partition) const;

 private:
  struct Member {
    std::chrono::milliseconds revoke_wait_max{};
    bool closing = false;
  };
  struct Slot {  // partition n of all topics: they are always with one member
    std::optional<MemberId> owner;
    Epoch epoch = 0;
    std::optional<Instant> deadline;  // it is being revoked
    std::set<std::string> released;   // topics
  };

  std::vector<News> settle(bool everything_moves, Instant now);
  std::map<MemberId, Revoking> revoke(bool everything_moves, Instant now);
  std::vector<MemberId> let_go();  // of the closing ones those that have nothing any more
  void free_slots_of(MemberId member);
  std::map<MemberId, Assigned> assign_free();
  [[nodiscard]] std::optional<MemberId> target(std::size_t number) const;  // by ranges, in the order of joining
  [[nodiscard]] std::vector<Partition> partitions_of(std::size_t number) const;

  Rules rules_;
  Epoch& epochs_;
  std::vector<std::string> topics_;
  std::map<MemberId, Member> members_;
  std::vector<Slot> slots_;
  std::map<Partition, Committed> committed_;
};

}  // namespace sluice::log
