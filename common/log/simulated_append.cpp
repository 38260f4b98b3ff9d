#include "common/log/simulated_append.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace sluice::log {

namespace {

using Fate = SimulatedNetwork::Fate;
using WhenAway = SimulatedNetwork::WhenAway;
using Channel = SimulatedProcess::Channel;

// One call of append: its parts are under way to their partitions.
struct Flight {
  std::shared_ptr<SimulatedProcess> process;
  AppendReply reply;
  std::vector<Outgoing> records;
  std::vector<Offset> offsets;
  std::size_t parts_open = 0;
  bool written = false;
  std::optional<Failure> failure;
};

Partition partition_of(const Outgoing& record) {
  return {record.topic, record.partition};
}

std::size_t bytes_of(const Outgoing& record) {
  std::size_t bytes = record.key.value_or("").size() + record.value.value_or("").size();
  for (const auto& header : record.headers) bytes += header.name.size() + header.value.value_or("").size();
  return bytes;
}

Done check_records(SimulatedBroker& broker, const std::vector<Outgoing>& records) {
  for (const auto& record : records) {
    if (bytes_of(record) > broker.options().record_bytes_max) {
      return fail(Kind::invalid, fmt::format("a record of {} bytes is larger than {}", bytes_of(record),
                                             broker.options().record_bytes_max));
    }
    const auto found = broker.store().find_or_fail(partition_of(record));
    if (!found) return fail(found.error());
  }
  return {};
}

void answer(const std::shared_ptr<SimulatedProcess>& process, const AppendReply& reply, AppendOutcome outcome) {
  process->broker->network().answer(process, [process, reply, outcome = std::move(outcome)]() mutable {
    --process->appends_in_flight;
    reply->give(std::move(outcome));
    process->changed.notify_all();
  });
}

// What is answered without leaving the process; nothing when it may leave.
std::optional<AppendOutcome> answer_at_once(SimulatedBroker& broker, const SimulatedProcess& process,
                                            const std::vector<Outgoing>& records) {
  if (auto checked = check_records(broker, records); !checked) return fail(checked.error());
  if (process.appends_in_flight >= broker.options().appends_in_flight_max || broker.network().refuses_appends()) {
    return fail(Kind::overloaded, "too many appends are in flight");
  }
  return std::nullopt;
}

void stamp(std::vector<Outgoing>& records, WallTime now) {
  for (auto& record : records) record.timestamp = record.timestamp.value_or(now);
}

void finish(const Flight& flight) {
  if (!flight.failure) return answer(flight.process, flight.reply, flight.offsets);
  auto failure = *flight.failure;
  if (flight.written) failure.kind = Kind::maybe_done;
  answer(flight.process, flight.reply, fail(std::move(failure)));
}

void arrive(Flight& flight, const Partition& partition, const std::vector<std::size_t>& part) {
  auto& broker = *flight.process->broker;
  const auto fate = broker.network().fate_of_write();
  if (SimulatedNetwork::is_written(fate)) {
    const int times = broker.network().faults.strikes(Fault::duplicate) ? 2 : 1;
    for (int time = 0; time < times; ++time) {
      for (const auto index : part) flight.offsets[index] = broker.append(partition, flight.records[index]);
    }
    flight.written = true;
    broker.network().step(flight.process.get(),
                          fmt::format("appends {} x {} to {}/{} up to {}", times, part.size(), partition.topic,
                                      partition.number, flight.offsets[part.back()]));
  }
  if (fate != Fate::done && (!flight.failure || flight.failure->kind != Kind::maybe_done)) {
    flight.failure = SimulatedNetwork::failure_of(fate);
  }
  if (--flight.parts_open == 0) finish(flight);
}

// The transaction itself: everything is checked before anything is changed.
AppendOutcome run_transaction(SimulatedBroker& broker, const std::vector<Outgoing>& records, const db::Batch& changes,
                              const std::vector<Commit>& commits) {
  for (const auto& commit : commits) {
    if (auto checked = broker.coordinator().check(commit); !checked) return fail(checked.error());
  }
  if (auto applied = broker.options().apply(changes); !applied) return fail(applied.error());
  std::vector<Offset> offsets;
  offsets.reserve(records.size());
  for (const auto& record : records) offsets.push_back(broker.append(partition_of(record), record));
  for (const auto& commit : commits) broker.coordinator().store(commit);
  return offsets;
}

}  // namespace

AppendReply send_append(const std::shared_ptr<SimulatedProcess>& process, std::vector<Outgoing> records) {
  auto& broker = *process->broker;
  auto reply = Reply<AppendOutcome>::on(broker.network().loop());
  if (records.empty()) reply->give(std::vector<Offset>{});
  if (records.empty() || process->dead()) return reply;
  if (auto refused = answer_at_once(broker, *process, records)) {
    reply->give(std::move(*refused));
    return reply;
  }
  stamp(records, broker.network().clock().wall());
  std::map<Partition, std::vector<std::size_t>> parts;
  for (std::size_t i = 0; i < records.size(); ++i) parts[partition_of(records[i])].push_back(i);
  auto flight = std::make_shared<Flight>(Flight{process, reply, std::move(records), {}, parts.size(), false, {}});
  flight->offsets.resize(flight->records.size());
  ++process->appends_in_flight;
  for (const auto& each : parts) {
    std::vector<Channel> channels(1, broker.store().find(each.first)->number);
    broker.network().request(process, std::move(channels), WhenAway::refused,
                             [flight, part = each] { arrive(*flight, part.first, part.second); });
  }
  return reply;
}

AppendReply send_atomic_append(const std::shared_ptr<SimulatedProcess>& process, std::vector<Outgoing> records,
                               db::Batch changes, std::vector<Commit> commits) {
  auto& broker = *process->broker;
  auto reply = Reply<AppendOutcome>::on(broker.network().loop());
  if (auto refused = answer_at_once(broker, *process, records)) {
    reply->give(std::move(*refused));
    return reply;
  }
  stamp(records, broker.network().clock().wall());
  std::set<Channel> channels{SimulatedProcess::group_matters};
  for (const auto& record : records) channels.insert(broker.store().find(partition_of(record))->number);
  ++process->appends_in_flight;
  broker.network().request(
      process, {channels.begin(), channels.end()}, WhenAway::refused,
      [process, reply, records = std::move(records), changes = std::move(changes), commits = std::move(commits)] {
        auto& there = *process->broker;
        const auto fate = there.network().fate_of_write();
        AppendOutcome outcome;
        if (SimulatedNetwork::is_written(fate)) outcome = run_transaction(there, records, changes, commits);
        if (fate != Fate::done) outcome = fail(SimulatedNetwork::failure_of(fate));
        there.network().step(process.get(), fmt::format("appends {} atomically: {}", records.size(),
                                                        outcome ? "done" : name_of(outcome.error().kind)));
        answer(process, reply, std::move(outcome));
      });
  return reply;
}

}  // namespace sluice::log
