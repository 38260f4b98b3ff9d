#include "common/log/simulated_log.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/log/simulated_append.hpp"
#include "common/log/simulated_member.hpp"

namespace sluice::log {

namespace {

using WhenAway = SimulatedNetwork::WhenAway;

bool stops(const SimulatedProcess& process) {
  return process.closed || process.fails_calls();
}

tl::unexpected<Failure> stopping() {
  return fail(Kind::stopping, "the log is closed");
}

// Sends a question and waits for its answer. `question` runs at the broker and gives a T.
template <class T, class Question>
Task<T> ask(std::shared_ptr<SimulatedProcess> process, Question question) {
  if (stops(*process)) co_return stopping();
  auto* broker = process->broker;
  if (broker == nullptr) co_await silence();
  auto reply = Reply<T>::on(broker->network().loop());
  std::vector<SimulatedProcess::Channel> channels(1, SimulatedProcess::group_matters);
  broker->network().request(
      process, std::move(channels), WhenAway::refused, [process, broker, reply, question = std::move(question)] {
        auto outcome = question(*broker);
        broker->network().answer(process,
                                 [reply, outcome = std::move(outcome)]() mutable { reply->give(std::move(outcome)); });
      });
  auto outcome = co_await reply->wait();
  co_return outcome;
}

// A question that reads one partition.
template <class T, class Reading>
Task<Result<T>> ask_partition(std::shared_ptr<SimulatedProcess> process, Partition partition, Reading reading) {
  return ask<Result<T>>(
      std::move(process),
      [partition = std::move(partition), reading = std::move(reading)](SimulatedBroker& broker) -> Result<T> {
        if (broker.network().refuses_reading())
          return fail(SimulatedNetwork::failure_of(SimulatedNetwork::Fate::unavailable));
        const auto found = broker.store().find_or_fail(partition);
        if (!found) return fail(found.error());
        return reading(**found);
      });
}

Done create_all(SimulatedBroker& broker, const std::vector<TopicSpec>& topics) {
  const auto fate = broker.network().fate_of_write();
  Done outcome;
  if (SimulatedNetwork::is_written(fate)) {
    for (const auto& topic : topics) {
      if (outcome) outcome = broker.store().create(topic);
    }
  }
  if (fate != SimulatedNetwork::Fate::done) return fail(SimulatedNetwork::failure_of(fate));
  return outcome;
}

}  // namespace

SimulatedLog::~SimulatedLog() {
  if (!process_->closed) crash();
}

void SimulatedLog::crash(AfterCrash after) {
  if (process_->broker != nullptr) process_->broker->crash(process_, after);
}

void SimulatedLog::crash_at(std::uint64_t exchanges, AfterCrash after, std::function<void()> crashed) {
  ENSURE(exchanges > 0 && process_->broker != nullptr, "a process dies at its first call or notice or later");
  process_->die_at(exchanges, [process = process_.get(), after, crashed = std::move(crashed)] {
    auto& broker = *process->broker;
    broker.crash(process->shared_from_this(), after);
    broker.network().loop().post(crashed);
  });
}

void SimulatedLog::freeze(Duration time) {
  if (process_->broker != nullptr) process_->broker->freeze(process_, time);
}

void SimulatedLog::break_consumers(Failure failure) {
  for (const auto& each : members_) {
    if (const auto member = each.lock()) member->break_off(Broken{failure});
  }
}

Capabilities SimulatedLog::capabilities() const {
  auto* broker = process_->broker;
  return {.atomic = broker != nullptr && broker->options().apply != nullptr, .many_processes = true};
}

Task<Result<std::vector<Offset>>> SimulatedLog::append(std::vector<Outgoing> records) {
  if (stops(*process_)) co_return stopping();
  if (process_->broker == nullptr) co_await silence();
  const auto reply = send_append(process_, std::move(records));
  auto outcome = co_await reply->wait();
  co_return outcome;
}

Task<Result<std::vector<Offset>>> SimulatedLog::append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                                  std::vector<Commit> commits) {
  if (stops(*process_)) co_return stopping();
  if (process_->broker == nullptr) co_await silence();
  if (!capabilities().atomic) co_return fail(Kind::invalid, "this log cannot append atomically");
  const auto reply = send_atomic_append(process_, std::move(records), std::move(changes), std::move(commits));
  auto outcome = co_await reply->wait();
  co_return outcome;
}

Task<Result<std::unique_ptr<Consumer>>> SimulatedLog::subscribe(Subscription subscription) {
  const auto member = std::make_shared<SimulatedMember>(process_, std::move(subscription));
  auto consumer = std::make_unique<SimulatedConsumer>(member);  // takes the member out again when this is cancelled
  members_.push_back(member);
  auto join = ask<Done>(process_, [member](SimulatedBroker& broker) -> Done {
    if (broker.network().refuses_reading())
      return fail(SimulatedNetwork::failure_of(SimulatedNetwork::Fate::unavailable));
    return broker.coordinator().join(member);
  });
  auto joined = co_await std::move(join);
  if (!joined) co_return fail(joined.error());
  co_return consumer;
}

Task<Result<std::vector<Record>>> SimulatedLog::read(Partition partition, Offset from, ReadLimits limits) {
  return ask_partition<std::vector<Record>>(process_, std::move(partition),
                                            [from, limits](const StoredPartition& stored) {
                                              return SimulatedStore::read(stored, from, stored.next, limits);
                                            });
}

Task<Result<Record>> SimulatedLog::read_one(Partition partition, Offset offset) {
  return ask_partition<Record>(process_, std::move(partition), [offset](const StoredPartition& stored) {
    return SimulatedStore::read_one(stored, offset);
  });
}

Task<Result<Span>> SimulatedLog::span(Partition partition) {
  return ask_partition<Span>(process_, std::move(partition),
                             [](const StoredPartition& stored) { return Span{stored.first, stored.next}; });
}

Task<Result<std::optional<Committed>>> SimulatedLog::committed(std::string group, Partition partition) {
  return ask<Result<std::optional<Committed>>>(
      process_,
      [group = std::move(group),
       partition = std::move(partition)](SimulatedBroker& broker) -> Result<std::optional<Committed>> {
        if (broker.network().refuses_reading()) {
          return fail(SimulatedNetwork::failure_of(SimulatedNetwork::Fate::unavailable));
        }
        return broker.coordinator().committed(group, partition);
      });
}

Task<Done> SimulatedLog::create_topics(std::vector<TopicSpec> topics) {
  return ask<Done>(process_,
                   [topics = std::move(topics)](SimulatedBroker& broker) { return create_all(broker, topics); });
}

Task<Result<std::vector<TopicInfo>>> SimulatedLog::topics() {
  return ask<Result<std::vector<TopicInfo>>>(process_, [](SimulatedBroker& broker) -> Result<std::vector<TopicInfo>> {
    if (broker.network().refuses_reading())
      return fail(SimulatedNetwork::failure_of(SimulatedNetwork::Fate::unavailable));
    return broker.store().topics();
  });
}

Task<> SimulatedLog::close() {
  const auto process = process_;
  process->closed = true;
  for (const auto& each : members_) {
    if (const auto member = each.lock()) member->break_off(Closed{});
  }
  while (process->appends_in_flight > 0) {
    auto change = process->changed.wait();
    co_await std::move(change);
  }
}

}  // namespace sluice::log
