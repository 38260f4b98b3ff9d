#include <algorithm>
#include <utility>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

Member::Member(LogWorld& world, Subscription subscription, std::unique_ptr<Consumer> consumer)
    : world_(world), subscription_(std::move(subscription)), consumer_(std::move(consumer)) {}

Task<std::unique_ptr<Member>> Member::join(LogWorld& world, Log& log, Subscription subscription) {
  auto consumer = co_await soon(world, log.subscribe(subscription));
  if (!consumer) FAIL("subscribe: ", consumer.error().sentence);
  co_return std::make_unique<Member>(world, std::move(subscription), std::move(*consumer));
}

Task<std::unique_ptr<Member>> Member::join(LogWorld& world, std::string group, std::string topic) {
  Subscription subscription{.group = std::move(group), .topics = {}};
  subscription.topics.push_back(std::move(topic));
  return join(world, world.log(), std::move(subscription));
}

Task<bool> Member::take(Duration wait) {
  auto notice = co_await within(world_.clock(), world_.clock().now() + wait, consumer_->next());
  if (!notice) co_return false;
  std::visit([this](auto&& each) { told(std::forward<decltype(each)>(each)); }, std::move(*notice));
  co_return true;
}

void Member::told(Assigned notice) {
  for (auto& [partition, epoch, committed] : notice.partitions) {
    CAPTURE(partition.number);
    CHECK_FALSE(holds(partition));
    if (const auto newest = newest_epoch_.find(partition); newest != newest_epoch_.end()) CHECK(epoch > newest->second);
    newest_epoch_[partition] = epoch;
    next_[partition] = committed ? committed->watermark : 0;
    held[partition] = Held{epoch, std::move(committed)};
  }
}

void Member::told(Records notice) {
  CAPTURE(notice.partition.number);
  CHECK_FALSE(closed);
  CHECK_FALSE(notice.records.empty());
  CHECK_FALSE(paused_.contains(notice.partition));
  CHECK(notice.records.size() <= subscription_.batch_records_max);
  const auto mine = held.find(notice.partition);
  REQUIRE(mine != held.end());
  CHECK(notice.epoch == mine->second.epoch);
  for (auto& each : notice.records) {
    CHECK(each.offset() >= next_[notice.partition]);
    next_[notice.partition] = each.offset() + 1;
    got.push_back(Got{notice.partition, notice.epoch, std::move(each)});
  }
}

void Member::told(const ReachedEnd& notice) {
  CAPTURE(notice.partition.number);
  const auto mine = held.find(notice.partition);
  REQUIRE(mine != held.end());
  CHECK(notice.epoch == mine->second.epoch);
  for (const auto& each : got) {
    if (each.partition == notice.partition) CHECK(each.record.offset() < notice.end);
  }
  ends[notice.partition].push_back(notice.end);
}

void Member::told(const Revoking& notice) {
  for (const auto& partition : notice.partitions) {
    CAPTURE(partition.number);
    CHECK(holds(partition));
    revoking.insert(partition);
    ever_revoked.insert(partition);
  }
  if (!releases) return;
  consumer_->release(notice.partitions);
  for (const auto& partition : notice.partitions) forget(partition);
}

void Member::told(const Lost& notice) {
  for (const auto& partition : notice.partitions) {
    lost.insert(partition);
    forget(partition);
  }
}

void Member::told(const Broken& notice) {
  broken = notice.failure;
}

void Member::told(const Closed& /*notice*/) {
  CHECK(held.empty());
  closed = true;
}

void Member::forget(const Partition& partition) {
  held.erase(partition);
  revoking.erase(partition);
  paused_.erase(partition);
}

void Member::pause(const Partition& partition) {
  consumer_->pause(partition);
  paused_.insert(partition);
}

void Member::resume(const Partition& partition) {
  consumer_->resume(partition);
  paused_.erase(partition);
}

Task<Done> Member::commit(Partition partition, Offset watermark, std::string metadata) {
  REQUIRE(holds(partition));
  std::vector<Commit> commits;
  commits.push_back(Commit{partition, held[partition].epoch, watermark, std::move(metadata)});
  return soon(world_, consumer_->commit(std::move(commits)));
}

Task<> Member::leave() {
  consumer_->close();
  const bool left = co_await until(world_, *this, [this] { return closed; });
  CHECK(left);
}

std::vector<std::string> Member::values(const Partition& partition) const {
  std::vector<std::string> values;
  for (const auto& each : got) {
    if (each.partition == partition) values.emplace_back(each.record.value().value_or("(none)"));
  }
  return values;
}

Offset Member::end_of(const Partition& partition) const {
  const auto told = ends.find(partition);
  return told == ends.end() ? -1 : told->second.back();
}

}  // namespace sluice::conformance
