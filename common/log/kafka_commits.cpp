#include "common/log/kafka_commits.hpp"

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <ranges>
#include <set>
#include <utility>

#include "common/base/ensure.hpp"
#include "common/log/kafka_errors.hpp"

namespace sluice::log {
namespace {

KafkaPartitions list_of(const std::vector<const Commit*>& commits) {
  auto list = new_partitions(commits.size());
  for (const auto* commit : commits) {
    auto* element =
        rd_kafka_topic_partition_list_add(list.get(), commit->partition.topic.c_str(), commit->partition.number);
    element->offset = commit->watermark;
    if (commit->metadata.empty()) continue;
    element->metadata = std::malloc(commit->metadata.size());  // freed with the list, by the library
    ENSURE(element->metadata != nullptr, "there is memory for a commit's metadata");
    element->metadata_size = commit->metadata.size();
    std::memcpy(element->metadata, commit->metadata.data(), commit->metadata.size());
  }
  return list;
}

}  // namespace

std::optional<Committed> committed_at(const rd_kafka_topic_partition_t& element) {
  if (element.offset < 0) return std::nullopt;
  const auto* metadata = static_cast<const char*>(element.metadata);
  return Committed{element.offset, metadata ? std::string{metadata, element.metadata_size} : std::string{}};
}

void KafkaCommits::take(Request request) {
  const auto asked = std::make_shared<Asked>(Asked{std::move(request.reply), request.commits.size(), {}});
  for (auto& commit : request.commits) waiting_.push_back({std::move(commit), asked});
}

// A partition that already stands in the request waits for the next one, and so does what came after it.
void KafkaCommits::send(rd_kafka_t* client, rd_kafka_queue_t* answers) {
  if (!sent_.empty() || waiting_.empty()) return;
  std::set<Partition> partitions;
  while (!waiting_.empty()) {
    auto& next = waiting_.front();
    const bool fits = sent_.empty() || (!next.alone && !sent_.front().alone);
    if (!fits || !partitions.insert(next.commit.partition).second) break;
    sent_.push_back(std::move(next));
    waiting_.pop_front();
  }
  std::vector<const Commit*> commits;
  commits.reserve(sent_.size());
  for (const auto& item : sent_) commits.push_back(&item.commit);
  const auto list = list_of(commits);
  ++sent_number_;
  sent_at_ = clock_.now();
  auto* number = reinterpret_cast<void*>(sent_number_);  // NOLINT(performance-no-int-to-ptr): it is only carried
  const auto error = rd_kafka_commit_queue(client, list.get(), answers, nullptr, number);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) finish(std::exchange(sent_, {}), kafka_commit_failure(error));
}

// When the broker refuses metadata it does not say whose, and stores the others; so each is asked for alone.
void KafkaCommits::answered(rd_kafka_event_t* event) {
  if (reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event)) != sent_number_) return;
  const auto error = rd_kafka_event_error(event);
  auto items = std::exchange(sent_, {});
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return finish(std::move(items), std::nullopt);
  if (error == RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE && items.size() > 1) {
    for (auto& item : std::views::reverse(items)) {
      item.alone = true;
      waiting_.push_front(std::move(item));
    }
    return;
  }
  finish(std::move(items), kafka_commit_failure(error));
}

void KafkaCommits::answer_overdue() {
  if (sent_.empty() || clock_.now() - sent_at_ < wait_max_) return;
  finish(std::exchange(sent_, {}), Failure{Kind::maybe_done, "the coordinator did not acknowledge the commit in time"});
}

void KafkaCommits::refuse_all(const Failure& failure) {
  finish(std::exchange(sent_, {}), Failure{Kind::maybe_done, "the member ended before the commit was acknowledged"});
  std::vector<Item> items{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end())};
  waiting_.clear();
  finish(std::move(items), failure);
}

void KafkaCommits::finish(std::vector<Item> items, const std::optional<Failure>& failure) {
  for (auto& [commit, asked, alone] : items) {
    if (failure && !asked->failure) asked->failure = failure;
    if (--asked->open > 0) continue;
    asked->reply->give_from(asked->failure ? Done{fail(*asked->failure)} : Done{});
  }
}

}  // namespace sluice::log
