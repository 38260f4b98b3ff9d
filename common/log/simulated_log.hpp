// A log in memory and in simulated time, for proving what stands on a log: everything that a real one may do to its
// users it does from a seed. One handle is one process; several handles of one broker are several processes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/log/log.hpp"
#include "common/log/simulated_broker.hpp"

namespace sluice::log {

class SimulatedLog final : public Log {
 public:
  explicit SimulatedLog(std::shared_ptr<SimulatedProcess> process) : process_(std::move(process)) {}
  ~SimulatedLog() override;  // without close() it is a crash

  // The process dies. What it was acknowledged is there; of what was under way some arrives, in order.
  void crash(AfterCrash after = AfterCrash::silent);
  // It dies at its n-th call or notice from now on, instead of it. `crashed` runs later, from the loop.
  void crash_at(std::uint64_t exchanges, AfterCrash after, std::function<void()> crashed);
  // The process stands still: it is told nothing and what it sends leaves when it thaws. Its session may end meanwhile.
  void freeze(Duration time);
  void break_consumers(Failure failure);  // each is told Broken and is out of its group
  [[nodiscard]] const SimulatedProcess& process() const { return *process_; }

  [[nodiscard]] Capabilities capabilities() const override;
  Task<Result<std::vector<Offset>>> append(std::vector<Outgoing> records) override;
  Task<Result<std::vector<Offset>>> append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                      std::vector<Commit> commits) override;
  Task<Result<std::unique_ptr<Consumer>>> subscribe(Subscription subscription) override;
  Task<Result<std::vector<Record>>> read(Partition partition, Offset from, ReadLimits limits) override;
  Task<Result<Record>> read_one(Partition partition, Offset offset) override;
  Task<Result<Span>> span(Partition partition) override;
  Task<Result<std::optional<Committed>>> committed(std::string group, Partition partition) override;
  Task<Done> create_topics(std::vector<TopicSpec> topics) override;
  Task<Result<std::vector<TopicInfo>>> topics() override;
  Task<> close() override;

 private:
  std::shared_ptr<SimulatedProcess> process_;
  std::vector<std::weak_ptr<SimulatedMember>> members_;
};

}  // namespace sluice::log
