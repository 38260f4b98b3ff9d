#include "common/log/simulated_broker.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/log/simulated_log.hpp"

namespace sluice::log {

SimulatedBroker::SimulatedBroker(Loop& loop, Clock& clock, Random& random, SimulatedOptions options)
    : options_(std::move(options)),
      network_(loop, clock, random),
      coordinator_(network_, store_, options_.group, options_.session_max) {}

SimulatedBroker::~SimulatedBroker() {
  for (const auto& process : processes_) process->lose_broker();
}

std::unique_ptr<SimulatedLog> SimulatedBroker::open(std::string process) {
  processes_.push_back(std::make_shared<SimulatedProcess>(*this, std::move(process)));
  return std::make_unique<SimulatedLog>(processes_.back());
}

void SimulatedBroker::disturb() {
  using namespace std::chrono_literals;
  ++round_;
  const auto& rates = network_.faults.rates();
  auto some_time = [this] { return network_.faults.random().between(1s, network_.faults.rates().outage_max); };
  repeat(rates.every.lost_assignment, [this] { disturb_groups(&SimulatedCoordinator::expel_one); });
  repeat(rates.every.rebalance, [this] { disturb_groups(&SimulatedCoordinator::rebalance); });
  repeat(rates.every.freeze, [this] { freeze_one(); });
  repeat(rates.every.outage, [this, some_time] { network_.outage(some_time()); });
  repeat(rates.every.full_disk, [this, some_time] { network_.full_disk(some_time()); });
  repeat(rates.every.jam, [this, some_time] { network_.jam(some_time()); });
}

void SimulatedBroker::heal() {
  ++round_;
  network_.heal();
}

void SimulatedBroker::repeat(Duration mean_time, std::function<void()> disturbance) {
  if (mean_time <= Duration{}) return;
  network_.at(network_.now() + network_.faults.until_next(mean_time),
              [this, mean_time, round = round_, disturbance = std::move(disturbance)] {
                if (round != round_) return;
                disturbance();
                repeat(mean_time, disturbance);
              });
}

void SimulatedBroker::disturb_groups(void (SimulatedCoordinator::*how)(const std::string&)) {
  const auto groups = coordinator_.groups();
  if (!groups.empty()) (coordinator_.*how)(groups[network_.faults.random().below(groups.size())]);
}

void SimulatedBroker::freeze_one() {
  using namespace std::chrono_literals;
  std::vector<std::shared_ptr<SimulatedProcess>> awake;
  for (const auto& process : processes_) {
    if (!process->dead() && !process->frozen() && !process->closed) awake.push_back(process);
  }
  if (awake.empty()) return;
  auto& random = network_.faults.random();
  freeze(awake[random.below(awake.size())], random.between(1s, network_.faults.rates().freeze_max));
}

void SimulatedBroker::freeze(const std::shared_ptr<SimulatedProcess>& process, Duration time) {
  if (process->dead()) return;
  const auto until = network_.now() + time;
  network_.step(process.get(), fmt::format("freezes for {} ms", time / std::chrono::milliseconds{1}));
  process->freeze(network_.now(), until);
  coordinator_.watch_session(process);
  network_.at(until, [this, process, until] {
    if (process->frozen_until() != until) return;
    network_.step(process.get(), "thaws");
    process->thaw();
  });
}

void SimulatedBroker::crash(const std::shared_ptr<SimulatedProcess>& process, AfterCrash after) {
  if (process->dead()) return;
  network_.step(process.get(), "dies");
  process->crash(after, network_.faults.random());
  coordinator_.watch_session(process);
}

std::vector<Record> SimulatedBroker::stored(const Partition& partition) {
  const auto* found = store_.find(partition);
  ENSURE(found != nullptr, "only an existing partition can be looked into");
  std::vector<Record> all;
  all.reserve(found->records.size());
  for (const auto& record : found->records) all.push_back(record.read());
  return all;
}

Offset SimulatedBroker::append_foreign(Outgoing record) {
  auto* found = store_.find({record.topic, record.partition});
  ENSURE(found != nullptr, "a foreign record needs an existing partition");
  if (!record.timestamp) record.timestamp = network_.clock().wall();
  const auto offset = SimulatedStore::append(*found, record, network_.faults.gap(), false);
  coordinator_.appended({record.topic, record.partition});
  return offset;
}

void SimulatedBroker::corrupt(const Partition& partition, Offset offset) {
  auto* found = store_.find(partition);
  ENSURE(found != nullptr, "only an existing partition can be damaged");
  SimulatedStore::flip_bit(*found, offset);
}

void SimulatedBroker::retain() {
  store_.retain(network_.clock().wall(),
                [this](const Partition& partition) { return coordinator_.unfinished(partition); });
}

Done SimulatedBroker::commit(const std::vector<Commit>& commits, MemberId member) {
  const auto fate = network_.fate_of_write();
  Done outcome;
  if (SimulatedNetwork::is_written(fate)) {
    for (const auto& commit : commits) {
      const auto checked = coordinator_.check(commit, member);
      if (checked) {
        coordinator_.store(commit);
      } else if (outcome) {
        outcome = fail(checked.error());
      }
    }
  }
  if (fate != SimulatedNetwork::Fate::done) return fail(SimulatedNetwork::failure_of(fate));
  return outcome;
}

Offset SimulatedBroker::append(const Partition& partition, const Outgoing& record) {
  const auto offset = SimulatedStore::append(*store_.find(partition), record, network_.faults.gap());
  coordinator_.appended(partition);
  return offset;
}

}  // namespace sluice::log
