#include "tests/simulation/watched_log.hpp"

#include <map>
#include <string>

#include <fmt/format.h>

#include "common/event/event.hpp"

namespace sluice::simulation {
namespace {

std::string numbers_of(const std::vector<log::Partition>& partitions) {
  std::string text;
  for (const auto& partition : partitions) text += fmt::format(" {}/{}", partition.topic, partition.number);
  return text;
}

// Of what a history should show; records show by what becomes of them.
std::string text_of(const log::Notice& notice) {
  if (const auto* assigned = std::get_if<log::Assigned>(&notice)) {
    std::string text = "assigned";
    for (const auto& each : assigned->partitions)
      text += fmt::format(" {}/{} under {}", each.partition.topic, each.partition.number, each.epoch);
    return text;
  }
  if (const auto* revoking = std::get_if<log::Revoking>(&notice)) return "revoking" + numbers_of(revoking->partitions);
  if (const auto* lost = std::get_if<log::Lost>(&notice)) return "lost" + numbers_of(lost->partitions);
  if (const auto* broken = std::get_if<log::Broken>(&notice)) return "broken: " + broken->failure.sentence;
  if (std::holds_alternative<log::Closed>(notice)) return "closed";
  return {};
}

class WatchedConsumer final : public log::Consumer {
 public:
  WatchedConsumer(std::unique_ptr<log::Consumer> consumer, Truth& truth, std::string name)
      : consumer_(std::move(consumer)), truth_(truth), name_(std::move(name)) {}

  Task<log::Notice> next() override { return telling(consumer_->next()); }
  void pause(const log::Partition& partition) override { consumer_->pause(partition); }
  void resume(const log::Partition& partition) override { consumer_->resume(partition); }
  void release(const std::vector<log::Partition>& partitions) override { consumer_->release(partitions); }
  void close() override { consumer_->close(); }
  Task<Done> commit(std::vector<log::Commit> commits) override {
    truth_.commit_is_sent(commits);
    return committing(consumer_->commit(commits), &truth_, commits);
  }

 private:
  Task<log::Notice> telling(Task<log::Notice> next) {
    auto notice = co_await std::move(next);
    if (const auto text = text_of(notice); !text.empty()) truth_.note(fmt::format("{} is told {}", name_, text));
    if (const auto* assigned = std::get_if<log::Assigned>(&notice)) {
      for (const auto& each : assigned->partitions) {
        auto& epoch = epochs_[each.partition.number];
        if (epoch != each.epoch) truth_.loses(std::exchange(epoch, each.epoch));
      }
    }
    if (const auto* lost = std::get_if<log::Lost>(&notice)) {
      for (const auto& partition : lost->partitions) truth_.loses(epochs_[partition.number]);
    }
    co_return notice;
  }
  static Task<Done> committing(Task<Done> commit, Truth* truth, std::vector<log::Commit> commits) {
    const auto done = co_await std::move(commit);
    if (done) truth->commit_was_acknowledged(commits);
    truth->look_at_commits();
    co_return done;
  }

  std::unique_ptr<log::Consumer> consumer_;
  Truth& truth_;
  std::string name_;
  std::map<std::int32_t, log::Epoch> epochs_;  // as it was told; main and retry have the same
};

}  // namespace

Task<Result<std::vector<log::Offset>>> WatchedLog::append(std::vector<log::Outgoing> records) {
  for (const auto& record : records) {
    if (record.topic != truth_.topics.main) continue;
    for (const auto& header : record.headers) {
      const auto id = header.name == "ce_id" && header.value ? event::EventId::parse(*header.value)
                                                             : fail(Kind::not_found, "another header");
      if (id) truth_.fires(truth_.number_of(*id));
    }
  }
  return log_.append(std::move(records));
}

Task<Result<std::vector<log::Offset>>> WatchedLog::append_atomically(std::vector<log::Outgoing> records,
                                                                     db::Batch changes,
                                                                     std::vector<log::Commit> commits) {
  auto appending = log_.append_atomically(std::move(records), std::move(changes), commits);
  auto appended = co_await std::move(appending);
  if (appended) truth_.commit_was_acknowledged(commits);
  truth_.look_at_commits();
  co_return appended;
}

Task<Result<std::unique_ptr<log::Consumer>>> WatchedLog::subscribe(log::Subscription subscription) {
  auto subscribing = log_.subscribe(std::move(subscription));
  auto consumer = co_await std::move(subscribing);
  if (!consumer) co_return fail(std::move(consumer.error()));
  co_return std::make_unique<WatchedConsumer>(std::move(*consumer), truth_, log_.process().name());
}

}  // namespace sluice::simulation
