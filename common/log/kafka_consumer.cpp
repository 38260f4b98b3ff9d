#include "common/log/kafka_consumer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace sluice::log {
namespace {

bool is_printable_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char each) { return each >= ' ' && each <= '~'; });
}

// Why this commit can't be stored as it is.
std::optional<Failure> refusal(const KafkaHandover& handover, const Commit& commit) {
  const auto& [topic, number] = commit.partition;
  if (commit.metadata.size() > metadata_bytes_max) {
    return Failure{Kind::invalid, fmt::format("the metadata for {}/{} has {} bytes; at most {} are allowed", topic,
                                              number, commit.metadata.size(), metadata_bytes_max)};
  }
  if (!is_printable_ascii(commit.metadata)) {
    return Failure{Kind::invalid, fmt::format("the metadata for {}/{} is not printable ASCII", topic, number)};
  }
  if (commit.watermark < 0) {
    return Failure{Kind::invalid, fmt::format("the watermark for {}/{} is negative", topic, number)};
  }
  if (!handover.may_commit(commit.partition, commit.epoch)) {
    return Failure{Kind::stale, fmt::format("{}/{} is not ours under epoch {}", topic, number, commit.epoch)};
  }
  return std::nullopt;
}

}  // namespace

KafkaConsumer::KafkaConsumer(Loop& loop, std::shared_ptr<KafkaMember> member)
    : loop_(loop), member_(std::move(member)) {}

KafkaConsumer::~KafkaConsumer() {
  member_->abandon();
}

Task<Notice> KafkaConsumer::next() {
  return member_->handover().next();
}

void KafkaConsumer::pause(const Partition& partition) {
  member_->handover().pause(partition);
}

void KafkaConsumer::resume(const Partition& partition) {
  member_->handover().resume(partition);
}

Task<Done> KafkaConsumer::commit(std::vector<Commit> commits) {
  std::optional<Failure> refused;
  std::vector<Commit> accepted;
  for (auto& commit : commits) {
    auto reason = refusal(member_->handover(), commit);
    if (!reason) {
      accepted.push_back(std::move(commit));
    } else if (!refused) {
      refused = std::move(reason);
    }
  }
  if (!accepted.empty()) {
    const auto reply = Reply<Done>::on(loop_);
    member_->commit(std::move(accepted), reply);
    auto stored = co_await reply->wait();
    if (!stored) co_return stored;
  }
  if (refused) co_return fail(std::move(*refused));
  co_return Done{};
}

void KafkaConsumer::release(const std::vector<Partition>& partitions) {
  member_->handover().release(partitions);
}

void KafkaConsumer::close() {
  member_->close();
}

}  // namespace sluice::log
