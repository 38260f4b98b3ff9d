// A simulated broker with one topic of two partitions and two processes, for stories of what goes wrong.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "common/log/simulated_log.hpp"
#include "tests/support/world.hpp"

namespace sluice::log {

struct SimulatedScene {
  explicit SimulatedScene(SimulatedOptions options = {}, std::uint64_t seed = 1)
      : world(seed), broker(world.loop, world.clock, world.random, std::move(options)) {
    const auto created = broker.store().create(TopicSpec{.name = "topic", .partitions = 2});
    REQUIRE(created.has_value());
    log = broker.open("one");
    other = broker.open("other");
  }

  [[nodiscard]] SimulatedFaults& faults() { return broker.network().faults; }

  static std::vector<Outgoing> records(std::int32_t partition, const std::vector<std::string>& values) {
    std::vector<Outgoing> made;
    for (const auto& value : values) {
      made.push_back(Outgoing{.topic = "topic", .partition = partition, .key = "key", .value = value});
    }
    return made;
  }

  Result<std::vector<Offset>> append(Log& to, std::int32_t partition, const std::vector<std::string>& values) {
    return world.run(to.append(records(partition, values)));
  }

  std::vector<std::string> stored(std::int32_t partition) {
    std::vector<std::string> values;
    for (const auto& record : broker.stored({"topic", partition})) values.emplace_back(record.value().value_or(""));
    return values;
  }

  std::unique_ptr<Consumer> subscribe(Log& to) {
    auto consumer = world.run(to.subscribe(Subscription{.group = "group", .topics = {"topic"}}));
    REQUIRE(consumer.has_value());
    return std::move(*consumer);
  }

  // The next notice, if one comes within `patience`.
  std::optional<Notice> next(Consumer& consumer, Duration patience = std::chrono::seconds{1}) {
    return world.run(within(world.clock, world.clock.now() + patience, consumer.next()));
  }

  // Skips what is told until a notice of that kind comes.
  template <class What>
  std::optional<What> until(Consumer& consumer, Duration patience = std::chrono::seconds{1}) {
    const auto deadline = world.clock.now() + patience;
    while (world.clock.now() < deadline) {
      auto notice = next(consumer, deadline - world.clock.now());
      if (notice && std::holds_alternative<What>(*notice)) return std::get<What>(std::move(*notice));
    }
    return std::nullopt;
  }

  Done commit(Consumer& consumer, std::int32_t partition, Epoch epoch, Offset watermark) {
    return world.run(consumer.commit({Commit{{"topic", partition}, epoch, watermark, "story"}}));
  }

  SimulatedWorld world;
  SimulatedBroker broker;
  std::unique_ptr<SimulatedLog> log;
  std::unique_ptr<SimulatedLog> other;
};

template <class T>
bool fails_as(const Result<T>& result, Kind kind) {
  return !result && result.error().kind == kind;
}

}  // namespace sluice::log
