#include "tests/common/log/kafka_scene.hpp"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "common/async/spawn.hpp"

namespace sluice::log {

KafkaScene::KafkaScene(KafkaCluster its_cluster) : cluster(std::move(its_cluster)), log(open(settings())) {}

KafkaScene::KafkaScene(KafkaCluster its_cluster, KafkaSettings its_settings)
    : cluster(std::move(its_cluster)), log(open(std::move(its_settings))) {}

KafkaSettings KafkaScene::settings() {
  auto settings = cluster.settings();
  settings.on_log = [heard = heard_](int /*level*/, std::string_view text) {
    const std::scoped_lock lock(heard->mutex);
    heard->text.append(text).append("\n");
  };
  return settings;
}

bool KafkaScene::heard(std::string_view what) const {
  const std::scoped_lock lock(heard_->mutex);
  return heard_->text.find(what) != std::string::npos;
}

std::unique_ptr<KafkaLog> KafkaScene::open(KafkaSettings settings) {
  auto opened = KafkaLog::open(std::move(settings), clock);
  if (!opened) FAIL("opening: ", opened.error().sentence);
  return std::move(*opened);
}

std::string KafkaScene::fresh_topic(std::int32_t partitions) {
  std::vector<TopicSpec> specs{TopicSpec{.name = unique_name("topic"), .partitions = partitions}};
  const auto name = specs[0].name;
  const auto created = run(log->create_topics(std::move(specs)));
  if (!created) FAIL("a fresh topic: ", created.error().sentence);
  return name;
}

Outgoing to(const Partition& partition, std::string value) {
  return {.topic = partition.topic, .partition = partition.number, .key = "key", .value = std::move(value)};
}

Task<> ask(KafkaScene& scene, Log& log, Partition partition, Asked& asked) {
  const auto begun = scene.clock.now();
  std::vector<Outgoing> one;
  one.push_back(to(partition, asked.value));
  asked.answer = co_await log.append(std::move(one));
  asked.took = scene.clock.now() - begun;
}

void ask_all(KafkaScene& scene, Scope& scope, Log& log, const Partition& partition, std::vector<Asked>& all) {
  for (auto& asked : all) scope.start(ask(scene, log, partition, asked));
}

std::vector<Record> all_of(KafkaScene& scene, Partition partition) {
  std::vector<Record> all;
  for (Offset from = 0;;) {
    auto page = scene.run(scene.log->read(partition, from, {}));
    if (!page) FAIL("reading: ", page.error().sentence);
    if (page->empty()) return all;
    from = page->back().offset() + 1;
    std::ranges::move(*page, std::back_inserter(all));
  }
}

std::size_t check_agreement(KafkaScene& scene, const Partition& partition, const std::vector<Asked>& all) {
  std::map<std::string, std::vector<Offset>, std::less<>> there;
  for (const auto& record : all_of(scene, partition)) there[std::string{*record.value()}].push_back(record.offset());
  std::size_t acknowledged = 0;
  Offset last = -1;
  for (const auto& [value, answer, took] : all) {
    CAPTURE(value);
    REQUIRE(answer.has_value());
    const auto& offsets = there[value];
    CHECK(offsets.size() <= 1);
    if (answer->has_value()) {
      ++acknowledged;
      CHECK(offsets == **answer);
    } else if (answer->error().kind != Kind::maybe_done) {
      CHECK(offsets.empty());
    }
    if (offsets.empty()) continue;
    CHECK(offsets.front() > last);
    last = offsets.front();
  }
  return acknowledged;
}

Task<> Listener::listen() {
  while (!closed) {
    auto notice = co_await consumer->next();
    if (auto* assigns = std::get_if<Assigned>(&notice)) {
      std::ranges::move(assigns->partitions, std::back_inserter(assigned));
    } else if (auto* brings = std::get_if<Records>(&notice)) {
      co_await take(std::move(*brings));
    } else if (const auto* revokes = std::get_if<Revoking>(&notice)) {
      revoked.insert(revoked.end(), revokes->partitions.begin(), revokes->partitions.end());
      consumer->release(revokes->partitions);
    } else if (const auto* loses = std::get_if<Lost>(&notice)) {
      lost.insert(lost.end(), loses->partitions.begin(), loses->partitions.end());
    } else if (const auto* breaks = std::get_if<Broken>(&notice)) {
      broken = breaks->failure;
    } else if (std::holds_alternative<Closed>(notice)) {
      closed = true;
    }
  }
}

// A commit that comes too late is the next owner's business.
Task<> Listener::take(Records batch) {
  std::vector<Commit> up_to_here;
  up_to_here.push_back({batch.partition, batch.epoch, batch.records.back().offset() + 1});
  for (auto& record : batch.records) records.push_back({batch.partition, batch.epoch, std::move(record)});
  if (commits) (void)co_await consumer->commit(std::move(up_to_here));
}

std::vector<std::string> Listener::values() const {
  std::vector<std::string> found;
  for (const auto& got : records) found.emplace_back(*got.record.value());
  return found;
}

std::unique_ptr<Listener> subscribe(KafkaScene& scene, Log& log, std::string group, std::vector<std::string> topics) {
  auto consumer = scene.run(log.subscribe({.group = std::move(group), .topics = std::move(topics)}));
  if (!consumer) FAIL("subscribing: ", consumer.error().sentence);
  return std::make_unique<Listener>(std::move(*consumer));
}

void start(KafkaScene& scene, Listener& listener) {
  spawn(scene.loop, listener.listen(), or_die("a listener"));
}

}  // namespace sluice::log
