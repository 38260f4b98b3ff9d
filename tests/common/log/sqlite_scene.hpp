// An embedded log on real threads and a clock that the test moves, and the words in which its tests are told.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/clock_simulated.hpp"
#include "tests/common/log/sqlite_store.hpp"
#include "tests/support/run.hpp"

namespace sluice::log {

inline const Partition t0{"t", 0};  // of the topic that a scene has

struct SqliteScene {
  explicit SqliteScene(SqliteLogLimits limits = {}, db::SqliteLimits file_limits = {})
      : store(loop, clock, limits, file_limits) {}

  template <class T>
  T run(Task<T> task) {
    return run_task(loop, std::move(task));
  }
  [[nodiscard]] SqliteLog& log() { return store.log(); }

  void topic(std::string name, std::int32_t partitions = 1, std::optional<std::chrono::milliseconds> retention = {},
             bool compacted = false) {
    std::vector<TopicSpec> specs;
    specs.push_back(
        {.name = std::move(name), .partitions = partitions, .retention = retention, .compacted = compacted});
    const auto created = run(log().create_topics(std::move(specs)));
    REQUIRE(created.has_value());
  }

  Result<std::vector<Offset>> append(std::vector<Outgoing> records) { return run(log().append(std::move(records))); }
  Offset put(const Partition& to, std::optional<std::string> value, std::optional<std::string> key = "key",
             std::chrono::milliseconds age = {}) {
    std::vector<Outgoing> one;
    one.push_back({.topic = to.topic, .partition = to.number, .key = std::move(key), .value = std::move(value)});
    one.back().timestamp = clock.wall() - age;
    const auto offsets = append(std::move(one));
    REQUIRE(offsets.has_value());
    return offsets->front();
  }

  std::unique_ptr<Consumer> subscribe(std::string group, std::vector<std::string> topics) {
    auto consumer = run(log().subscribe({.group = std::move(group), .topics = std::move(topics)}));
    REQUIRE(consumer.has_value());
    return std::move(*consumer);
  }

  // The next notice of that type; others are passed over.
  template <class T>
  T next(Consumer& consumer) {
    while (true) {
      auto notice = run(consumer.next());
      if (auto* told = std::get_if<T>(&notice)) return std::move(*told);
    }
  }
  Done commit(Consumer& consumer, const Assignment& assignment, Offset watermark, std::string metadata = {}) {
    std::vector<Commit> commits;
    commits.push_back({assignment.partition, assignment.epoch, watermark, std::move(metadata)});
    return run(consumer.commit(std::move(commits)));
  }

  std::vector<Record> all(const Partition& partition) {
    auto records = run(log().read(partition, 0, {.records_max = 1'000'000, .bytes_max = std::size_t{1} << 30U}));
    REQUIRE(records.has_value());
    return std::move(*records);
  }
  std::vector<std::string> values(const Partition& partition) {
    std::vector<std::string> values;
    for (const auto& record : all(partition)) values.emplace_back(record.value().value_or("(none)"));
    return values;
  }

  std::size_t retain() {
    const auto removed = run(log().retain_once());
    REQUIRE(removed.has_value());
    return *removed;
  }

  Loop loop;
  SimulatedClock clock{loop, WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  SqliteStore store;
};

}  // namespace sluice::log
