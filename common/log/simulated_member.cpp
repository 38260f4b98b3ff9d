#include "common/log/simulated_member.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/log/simulated_broker.hpp"

namespace sluice::log {

namespace {

using WhenAway = SimulatedNetwork::WhenAway;

const std::vector<SimulatedProcess::Channel> group_matters{SimulatedProcess::group_matters};

}  // namespace

std::optional<Notice> SimulatedMember::take() {
  if (process_->fails_calls()) return Broken{{Kind::stopping, "the process has died"}};
  if (process_->dead() || process_->frozen() || process_->broker == nullptr) return std::nullopt;
  if (inbox_.empty()) return over_ ? std::optional<Notice>{Closed{}} : take_records();
  if (!process_->exchange()) return std::nullopt;
  auto notice = std::move(inbox_.front());
  inbox_.pop_front();
  if (const auto* assigned = std::get_if<Assigned>(&notice)) begin_unpaused(*assigned);
  return notice;
}

// What the owner paused before he was told of an assignment was the one before it.
void SimulatedMember::begin_unpaused(const Assigned& assigned) {
  for (const auto& each : assigned.partitions) {
    if (auto* found = belief(each.partition, each.epoch)) found->paused = false;
  }
}

bool SimulatedMember::has_to_tell(const Belief& belief) {
  if (belief.end < 0 || belief.paused || belief.revoking) return false;
  return belief.position < belief.end || !belief.end_told;
}

// By chance among the partitions that have something: across partitions there is no order.
std::optional<Notice> SimulatedMember::take_records() {
  std::vector<std::map<Partition, Belief>::iterator> ready;
  for (auto at = beliefs_.begin(); at != beliefs_.end(); ++at) {
    if (has_to_tell(at->second)) ready.push_back(at);
  }
  if (ready.empty() || !process_->exchange()) return std::nullopt;
  const auto chosen = ready[process_->broker->network().faults.random().below(ready.size())];
  return tell(chosen->first, chosen->second);
}

Notice SimulatedMember::tell(const Partition& partition, Belief& belief) {
  auto& faults = process_->broker->network().faults;
  ReadLimits limits{subscription_.batch_records_max, subscription_.batch_bytes_max};
  if (faults.strikes(Fault::short_batch)) limits.records_max = 1 + faults.random().below(limits.records_max);
  const auto* stored = process_->broker->store().find(partition);
  auto records = SimulatedStore::read(*stored, belief.position, belief.end, limits);
  belief.end_told = records.empty();
  if (records.empty()) {
    belief.position = std::max(belief.position, belief.end);
    return ReachedEnd{partition, belief.epoch, belief.end};
  }
  belief.position = records.back().offset() + 1;
  return Records{partition, belief.epoch, std::move(records)};
}

void SimulatedMember::pause(const Partition& partition, bool paused) {
  const auto found = beliefs_.find(partition);
  if (found == beliefs_.end()) return;
  found->second.paused = paused;
  process_->changed.notify_all();
}

std::shared_ptr<Reply<Done>> SimulatedMember::commit(std::vector<Commit> commits) {
  auto* broker = process_->broker;
  if (broker == nullptr) return nullptr;
  auto reply = Reply<Done>::on(broker->network().loop());
  broker->network().request(process_, group_matters, WhenAway::refused,
                            [self = shared_from_this(), broker, reply, commits = std::move(commits)] {
                              auto outcome = broker->commit(commits, self->id);
                              broker->network().answer(self->process(), [reply, outcome] { reply->give(outcome); });
                            });
  return reply;
}

void SimulatedMember::release(const std::vector<Partition>& partitions) {
  std::map<Partition, Epoch> released;
  for (const auto& partition : partitions) {
    const auto found = beliefs_.find(partition);
    if (found == beliefs_.end() || !found->second.revoking) continue;
    released[partition] = found->second.epoch;
    beliefs_.erase(found);
  }
  auto* broker = process_->broker;
  if (released.empty() || broker == nullptr) return;
  broker->network().request(process_, group_matters, WhenAway::waits,
                            [self = shared_from_this(), broker, released = std::move(released)] {
                              broker->coordinator().release(self->id, released);
                            });
}

void SimulatedMember::close() {
  auto* broker = process_->broker;
  if (closing_ || over_ || broker == nullptr) return;
  closing_ = true;
  broker->network().request(process_, group_matters, WhenAway::waits,
                            [self = shared_from_this(), broker] { broker->coordinator().close(self->id); });
}

void SimulatedMember::abandon() {
  inbox_.clear();
  beliefs_.clear();
  if (!std::exchange(over_, true)) leave();
}

void SimulatedMember::break_off(Notice last) {
  if (over_) return;
  inbox_.clear();
  end_with(std::move(last));
  leave();
}

void SimulatedMember::leave() {
  auto* broker = process_->broker;
  if (broker == nullptr) return;
  broker->network().request(process_, group_matters, WhenAway::waits,
                            [self = shared_from_this(), broker] { broker->coordinator().leave(self->id); });
}

void SimulatedMember::hear(SimulatedGroup::News news) {
  if (over_ || process_->broker == nullptr) return;
  if (auto* assigned = std::get_if<Assigned>(&news.notice)) hear(std::move(*assigned));
  if (auto* revoking = std::get_if<Revoking>(&news.notice)) hear(std::move(*revoking));
  if (auto* lost = std::get_if<Lost>(&news.notice)) hear(std::move(*lost), news.expelled);
  if (std::holds_alternative<Closed>(news.notice)) end_with(Closed{});
  process_->changed.notify_all();
}

void SimulatedMember::hear(Assigned assigned) {
  for (const auto& each : assigned.partitions) {
    beliefs_[each.partition] = Belief{.epoch = each.epoch, .position = each.committed ? each.committed->watermark : 0};
    process_->broker->coordinator().watch(shared_from_this(), each.partition);
  }
  inbox_.emplace_back(std::move(assigned));
}

void SimulatedMember::hear(Revoking revoking) {
  for (const auto& partition : revoking.partitions) {
    if (const auto found = beliefs_.find(partition); found != beliefs_.end()) found->second.revoking = true;
  }
  inbox_.emplace_back(std::move(revoking));
}

void SimulatedMember::hear(Lost lost, bool expelled) {
  std::erase_if(lost.partitions, [this](const Partition& partition) { return beliefs_.erase(partition) == 0; });
  if (!lost.partitions.empty()) inbox_.emplace_back(std::move(lost));
  if (!expelled) return;
  if (closing_) {
    end_with(Closed{});
  } else {
    rejoin();
  }
}

void SimulatedMember::rejoin() {
  auto* broker = process_->broker;
  broker->network().request(process_, group_matters, WhenAway::waits, [self = shared_from_this(), broker] {
    if (self->over_) return;
    const auto joined = broker->coordinator().join(self);
    if (joined) return;
    broker->network().answer(self->process(), [self, failure = joined.error()] { self->end_with(Broken{failure}); });
  });
}

void SimulatedMember::saw_end(const Partition& partition, Epoch epoch, Offset end) {
  auto* found = belief(partition, epoch);
  if (found == nullptr) return;
  found->end = std::max(found->end, end);
  process_->changed.notify_all();
}

void SimulatedMember::end_with(Notice last) {
  if (over_) return;
  over_ = true;
  beliefs_.clear();
  inbox_.push_back(std::move(last));
  process_->changed.notify_all();
}

SimulatedMember::Belief* SimulatedMember::belief(const Partition& partition, Epoch epoch) {
  const auto found = beliefs_.find(partition);
  return found == beliefs_.end() || found->second.epoch != epoch ? nullptr : &found->second;
}

std::optional<Epoch> SimulatedMember::starts_looking(const Partition& partition) {
  const auto found = beliefs_.find(partition);
  if (found == beliefs_.end() || found->second.looking) return std::nullopt;
  found->second.looking = true;
  return found->second.epoch;
}

void SimulatedMember::stops_looking(const Partition& partition, Epoch epoch) {
  if (auto* found = belief(partition, epoch)) found->looking = false;
}

Task<Notice> SimulatedConsumer::next() {
  const auto member = member_;  // this coroutine may outlive the consumer
  while (true) {
    auto notice = member->take();
    if (notice) co_return std::move(*notice);
    auto change = member->process()->changed.wait();
    co_await std::move(change);
  }
}

Task<Done> SimulatedConsumer::commit(std::vector<Commit> commits) {
  const auto process = member_->process();
  if (process->fails_calls()) co_return fail(Kind::stopping, "the process has died");
  const auto reply = member_->commit(std::move(commits));
  if (!reply) co_await silence();
  auto outcome = co_await reply->wait();
  co_return outcome;
}

}  // namespace sluice::log
