// The broker's side of groups: seats members, tells them the news, ends the sessions of the silent.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/log/log.hpp"
#include "common/log/simulated_group.hpp"
#include "common/log/simulated_member.hpp"
#include "common/log/simulated_network.hpp"
#include "common/log/simulated_store.hpp"

namespace sluice::log {

class SimulatedCoordinator {
 public:
  SimulatedCoordinator(SimulatedNetwork& network, SimulatedStore& store, SimulatedGroup::Rules rules,
                       Duration session_max)
      : network_(network), store_(store), rules_(rules), session_max_(session_max) {}

  Done join(const std::shared_ptr<SimulatedMember>& member);
  void close(MemberId member);
  void leave(MemberId member);
  void release(MemberId member, const std::map<Partition, Epoch>& released);
  void expel(MemberId member);               // it hears of it later
  void expel_one(const std::string& group);  // by chance
  void rebalance(const std::string& group);
  void watch_session(const std::shared_ptr<SimulatedProcess>& process);  // of one that has just fallen silent

  // May this be committed? By anyone, or by one member only.
  [[nodiscard]] Done check(const Commit& commit, std::optional<MemberId> member = {}) const;
  void store(const Commit& commit);  // which passed check()
  [[nodiscard]] std::optional<Committed> committed(const std::string& group, const Partition& partition) const;
  [[nodiscard]] Offset unfinished(const Partition& partition) const;  // the lowest offset that some group needs
  [[nodiscard]] std::vector<std::string> groups() const;

  // The member believes to have that partition and is told what is in it, as long as it believes so.
  void watch(const std::shared_ptr<SimulatedMember>& member, const Partition& partition);
  void appended(const Partition& partition);

 private:
  struct Seat {
    std::string group;
    std::shared_ptr<SimulatedMember> member;
  };
  using News = std::vector<SimulatedGroup::News>;

  [[nodiscard]] Result<std::int32_t> partitions_of(const std::vector<std::string>& topics) const;
  [[nodiscard]] const SimulatedGroup* holding_group(const Commit& commit, std::optional<MemberId> member) const;
  SimulatedGroup* group_of(MemberId member);
  void tell(std::string group, News news);  // by value: telling may end the seat that holds it
  void tell_one(SimulatedGroup::News news);
  void watch_deadline(const std::string& group);
  void end_session(const std::shared_ptr<SimulatedProcess>& process);
  void look(const std::shared_ptr<SimulatedMember>& member, const Partition& partition);
  void read_end(const std::shared_ptr<SimulatedMember>& member, const Partition& partition, Epoch epoch);

  SimulatedNetwork& network_;
  SimulatedStore& store_;
  SimulatedGroup::Rules rules_;
  Duration session_max_;
  Epoch epochs_ = 0;
  MemberId members_ = 0;
  std::map<std::string, SimulatedGroup> groups_;
  std::map<MemberId, Seat> seats_;
  std::map<Partition, std::vector<std::weak_ptr<SimulatedMember>>> watchers_;
};

}  // namespace sluice::log
