// What all processes of a simulated world share: the store, the groups, the network between them, and what befalls it.
// Deterministic: the same seed and the same calls make the same history, byte for byte.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/db/statement.hpp"
#include "common/log/log.hpp"
#include "common/log/simulated_coordinator.hpp"
#include "common/log/simulated_group.hpp"
#include "common/log/simulated_network.hpp"
#include "common/log/simulated_process.hpp"
#include "common/log/simulated_store.hpp"

namespace sluice::log {

class SimulatedLog;

struct SimulatedOptions {
  SimulatedGroup::Rules group;
  Duration session_max = std::chrono::seconds{10};       // a process that is silent for so long loses its members
  std::size_t record_bytes_max = std::size_t{2} << 20U;  // key, value and headers
  std::size_t appends_in_flight_max = 65536;             // of one process
  // Runs the changes of an atomic append, all of them or none; without it the log isn't atomic.
  std::function<Done(const db::Batch&)> apply = {};
};

class SimulatedBroker {
 public:
  SimulatedBroker(Loop& loop, Clock& clock, Random& random, SimulatedOptions options = {});
  SimulatedBroker(const SimulatedBroker&) = delete;
  SimulatedBroker& operator=(const SimulatedBroker&) = delete;
  ~SimulatedBroker();  // whatever still refers to it never gets an answer

  [[nodiscard]] std::unique_ptr<SimulatedLog> open(std::string process);  // a handle for one more process

  // Single faults come at the rates of network().faults. These come by themselves from disturb() to heal(), at the
  // times that the rates name.
  void disturb();
  void heal();  // no fault begins any more and all have ended, but who is frozen thaws in its own time
  void freeze(const std::shared_ptr<SimulatedProcess>& process, Duration time);
  void crash(const std::shared_ptr<SimulatedProcess>& process, AfterCrash after);

  // The store as an outsider sees it, at once and without faults.
  [[nodiscard]] std::vector<Record> stored(const Partition& partition);
  Offset append_foreign(Outgoing record);
  void corrupt(const Partition& partition, Offset offset);
  void retain();

  // For the handles.
  Done commit(const std::vector<Commit>& commits, MemberId member);
  Offset append(const Partition& partition, const Outgoing& record);

  [[nodiscard]] SimulatedNetwork& network() { return network_; }
  [[nodiscard]] SimulatedCoordinator& coordinator() { return coordinator_; }
  [[nodiscard]] SimulatedStore& store() { return store_; }
  [[nodiscard]] SimulatedOptions& options() { return options_; }

 private:
  void repeat(Duration mean_time, std::function<void()> disturbance);
  void disturb_groups(void (SimulatedCoordinator::*how)(const std::string&));
  void freeze_one();

  SimulatedOptions options_;
  SimulatedNetwork network_;
  SimulatedStore store_;
  SimulatedCoordinator coordinator_;
  std::vector<std::shared_ptr<SimulatedProcess>> processes_;
  std::uint64_t round_ = 0;  // of disturb() and heal(): what was planned in an earlier one is void
};

}  // namespace sluice::log
