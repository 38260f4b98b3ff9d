// Consumers of the embedded log: what memory hands over, deadlines, members on several loops, the ends of things.
#include <map>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/random.hpp"
#include "common/async/scope.hpp"
#include "common/async/thread.hpp"
#include "tests/common/log/sqlite_scene.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;

// A consumer that has seen the end is paused, and then a record comes whose row is damaged before it is delivered.
std::string damage_of_fresh_record(SqliteScene& scene) {
  scene.topic("t");
  const auto consumer = scene.subscribe("g", {"t"});
  scene.next<ReachedEnd>(*consumer);
  consumer->pause(t0);
  const auto offset = scene.put(t0, "value");
  scene.store.change("UPDATE log_record SET value = NULL WHERE offset = $1", {offset});
  consumer->resume(t0);
  return std::string{scene.next<Records>(*consumer).records.at(0).damage()};
}

Task<> wait_until_assigned(Consumer& consumer, std::vector<Assignment>& assigned) {
  while (assigned.empty()) {
    auto notice = co_await consumer.next();
    if (auto* told = std::get_if<Assigned>(&notice)) assigned = std::move(told->partitions);
  }
}

std::vector<std::int32_t> numbers_of(const std::vector<Partition>& partitions) {
  std::vector<std::int32_t> numbers;
  for (const auto& partition : partitions) numbers.push_back(partition.number);
  return numbers;
}

}  // namespace

TEST_CASE("who keeps up is handed what was just written from memory") {
  SqliteScene scene;

  CHECK(damage_of_fresh_record(scene).empty());
}

TEST_CASE("without memory everything comes from the file") {
  SqliteScene scene{{.fresh_bytes_max = 0}};

  CHECK(damage_of_fresh_record(scene) == "checksum");
}

TEST_CASE("a slow consumer changes between file and memory without loss") {
  SqliteScene scene{{.fresh_bytes_max = 5000}};
  scene.topic("t", 3);
  const auto consumer = scene.subscribe("g", {"t"});
  scene.next<Assigned>(*consumer);
  std::map<Partition, std::vector<std::string>> expected;
  std::map<Partition, std::vector<std::string>> got;
  SeededRandom random{42};

  for (int i = 0; i < 600; ++i) {
    const Partition to{"t", static_cast<std::int32_t>(random.below(3))};
    expected[to].push_back(fmt::format("{}", i));
    scene.put(to, expected[to].back());
    while (i == 599 ? got != expected : random.one_in(30)) {
      const auto told = scene.next<Records>(*consumer);
      for (const auto& record : told.records) got[told.partition].emplace_back(*record.value());
    }
  }

  CHECK(got == expected);
}

TEST_CASE("a revocation that nobody answers is overruled at its deadline") {
  SqliteScene scene;
  scene.topic("t", 2);
  const auto silent = scene.subscribe("g", {"t"});
  const auto before = scene.next<Assigned>(*silent);
  const auto waiting = scene.subscribe("g", {"t"});
  const auto revoking = scene.next<Revoking>(*silent);
  CHECK(revoking.deadline == scene.clock.now() + 2s);
  CHECK(numbers_of(revoking.partitions) == std::vector<std::int32_t>{1});

  scene.clock.run_for(2s);
  const auto assigned = scene.next<Assigned>(*waiting);
  const auto lost = scene.next<Lost>(*silent);
  const auto late = scene.commit(*silent, before.partitions[1], 1);

  CHECK(assigned.partitions[0].partition == Partition{"t", 1});
  CHECK(assigned.partitions[0].epoch > before.partitions[1].epoch);
  CHECK(numbers_of(lost.partitions) == std::vector<std::int32_t>{1});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == Kind::stale);
}

TEST_CASE("a consumer that is closed before it was told anything is closed") {
  SqliteScene scene;
  scene.topic("t", 4);
  const auto consumer = scene.subscribe("g", {"t"});

  consumer->close();

  bool closed = false;
  while (!closed) {
    auto notice = scene.run(consumer->next());
    if (const auto* revoking = std::get_if<Revoking>(&notice)) consumer->release(revoking->partitions);
    closed = std::holds_alternative<Closed>(notice);
  }
  CHECK(std::holds_alternative<Closed>(scene.run(consumer->next())));  // for ever
}

TEST_CASE("a released partition of one topic waits for the same number of the other") {
  SqliteScene scene;
  scene.topic("a", 2);
  scene.topic("b", 2);
  const auto first = scene.subscribe("g", {"a", "b"});
  scene.next<Assigned>(*first);
  const auto second = scene.subscribe("g", {"a", "b"});
  scene.next<Revoking>(*first);

  std::vector<Assignment> assigned;
  Scope scope{scene.loop};
  scope.start(wait_until_assigned(*second, assigned));

  first->release({{"a", 1}});
  scene.put({"a", 0}, "witness");
  scene.next<Records>(*first);
  const bool too_early = !assigned.empty();
  first->release({{"b", 1}});
  scene.run(scope.join());

  CHECK_FALSE(too_early);
  CHECK(assigned.size() == 2);
}

TEST_CASE("closing the log breaks its consumers and they can still be closed") {
  SqliteScene scene;
  scene.topic("t");
  const auto consumer = scene.subscribe("g", {"t"});
  const auto assigned = scene.next<Assigned>(*consumer);

  scene.run(scene.log().close());
  const auto lost = scene.next<Lost>(*consumer);
  const auto broken = scene.next<Broken>(*consumer);
  const auto late = scene.commit(*consumer, assigned.partitions[0], 1);
  consumer->close();

  CHECK(lost.partitions.size() == 1);
  CHECK(broken.failure.kind == Kind::stopping);
  CHECK(late.error().kind == Kind::stale);
  scene.next<Closed>(*consumer);
}

TEST_CASE("closing the log while a consumer is leaving ends it too") {
  SqliteScene scene;
  scene.topic("t");
  const auto consumer = scene.subscribe("g", {"t"});
  scene.next<Assigned>(*consumer);
  consumer->close();
  scene.next<Revoking>(*consumer);

  scene.run(scene.log().close());

  scene.next<Broken>(*consumer);
  scene.next<Closed>(*consumer);
}

TEST_CASE("a consumer outlives its log without harm") {
  SqliteScene scene;
  scene.topic("t");
  const auto consumer = scene.subscribe("g", {"t"});
  scene.next<Assigned>(*consumer);
  scene.put(t0, "value");

  scene.store.close();

  scene.next<Broken>(*consumer);
}

TEST_CASE("what cannot be read breaks the consumer with the reason") {
  SqliteScene scene;
  scene.topic("t");
  scene.put(t0, "value");
  scene.store.change("DROP INDEX log_record_by_partition", {});

  const auto consumer = scene.subscribe("g", {"t"});

  CHECK_FALSE(scene.next<Broken>(*consumer).failure.sentence.empty());
}

TEST_CASE("a busy partition does not starve the others") {
  SqliteScene scene{{.fresh_bytes_max = 0}};
  scene.topic("t", 4);
  std::vector<Outgoing> busy;
  for (int i = 0; i < 3000; ++i) busy.push_back({.topic = "t", .partition = 0, .key = {}, .value = "busy"});
  REQUIRE(scene.append(std::move(busy)).has_value());
  for (int number = 1; number < 4; ++number) scene.put({"t", number}, "quiet");

  const auto consumer = scene.subscribe("g", {"t"});
  std::set<std::int32_t> quiet;
  std::size_t busy_before = 0;
  while (quiet.size() < 3) {
    const auto told = scene.next<Records>(*consumer);
    if (told.partition.number == 0) {
      busy_before += told.records.size();
    } else {
      quiet.insert(told.partition.number);
    }
  }

  CHECK(busy_before <= 2 * 512);
}

namespace {

// A member of the group on a loop and thread of its own; counts what it has committed.
class FarMember {
 public:
  FarMember(SqliteLog& log, std::atomic<int>& committed)
      : log_(log), committed_(committed), thread_("far-member", [this] { run_task(loop_, live()); }) {}

  void close() {
    loop_.post([this] { consumer_->close(); });
    thread_.join();
  }

 private:
  Task<> live() {
    auto subscribed = co_await log_.subscribe({.group = "far", .topics = {"t"}});
    CHECK(subscribed.has_value());
    consumer_ = std::move(*subscribed);
    while (true) {
      auto notice = co_await consumer_->next();
      if (std::holds_alternative<Closed>(notice)) break;
      if (const auto* revoking = std::get_if<Revoking>(&notice)) consumer_->release(revoking->partitions);
      if (auto* records = std::get_if<Records>(&notice)) co_await commit(std::move(*records));
    }
    consumer_.reset();
  }
  Task<> commit(Records records) {
    std::vector<Commit> commits;
    commits.push_back({records.partition, records.epoch, records.records.back().offset() + 1, {}});
    auto committed = co_await consumer_->commit(std::move(commits));
    if (committed) committed_ += static_cast<int>(records.records.size());
  }

  Loop loop_;
  SqliteLog& log_;
  std::atomic<int>& committed_;
  std::unique_ptr<Consumer> consumer_;
  Thread thread_;
};

Task<> append_from(SqliteLog& log, int count) {
  for (int i = 0; i < count; ++i) {
    std::vector<Outgoing> one;
    one.push_back({.topic = "t", .partition = i % 8, .key = {}, .value = "v"});
    auto stored = co_await log.append(std::move(one));
    CHECK(stored.has_value());
  }
}

}  // namespace

TEST_CASE("members on loops of their own commit everything exactly once while they come and go") {
  SqliteScene scene;
  scene.topic("t", 8);
  std::atomic<int> committed{0};
  constexpr int writers = 3;
  constexpr int each = 400;
  std::vector<std::unique_ptr<FarMember>> members;
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<Thread> threads;

  members.push_back(std::make_unique<FarMember>(scene.log(), committed));
  for (int i = 0; i < writers; ++i) {
    loops.push_back(std::make_unique<Loop>());
    threads.emplace_back("writer", [&scene, &loop = *loops.back()] { run_task(loop, append_from(scene.log(), each)); });
  }
  for (int i = 0; i < 3; ++i) members.push_back(std::make_unique<FarMember>(scene.log(), committed));
  threads.clear();
  members[1]->close();
  while (committed < writers * each) (void)scene.run(scene.log().span(t0));
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i != 1) members[i]->close();
  }

  CHECK(committed == writers * each);
  for (std::int32_t number = 0; number < 8; ++number) {
    const auto span = scene.run(scene.log().span({"t", number}));
    const auto watermark = scene.run(scene.log().committed("far", {"t", number}));
    CHECK((*watermark)->watermark == span->end);
  }
  scene.store.close();  // before the loops that it told things
}

}  // namespace sluice::log
