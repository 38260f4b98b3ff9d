#include "tests/common/log/simulated_workload.hpp"

#include <algorithm>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/deadline.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;

constexpr int partitions = 3;
constexpr Duration disturbed_time = 30s;
constexpr Duration patience = 1h;  // a process may be frozen for minutes and its session may have to end first

SimulatedOptions drawn_options(Random& random) {
  SimulatedOptions options{.group = {.eager = random.one_in(2)}};
  options.appends_in_flight_max = random.one_in(4) ? 3 : 100;
  return options;
}

std::vector<Outgoing> one(const Partition& to, const std::string& value) {
  std::vector<Outgoing> records;
  records.push_back(Outgoing{.topic = to.topic, .partition = to.number, .key = "key", .value = value});
  return records;
}

}  // namespace

SimulatedWorkload::SimulatedWorkload(std::uint64_t seed)
    : world_(seed),
      atomic_(seed % 2 == 0),
      broker_(world_.loop, world_.clock, world_.random, drawn_options(world_.random)) {
  if (atomic_) broker_.options().apply = [this](const db::Batch& changes) { return apply(changes); };
  broker_.network().on_step = [this](const std::string& line) { history_ += line + '\n'; };
  for (const auto* topic : {"in", "out"}) {
    const auto created = broker_.store().create(TopicSpec{.name = topic, .partitions = partitions});
    REQUIRE(created.has_value());
  }
}

void SimulatedWorkload::note(const std::string& line) {
  broker_.network().step(nullptr, line);
}

Done SimulatedWorkload::apply(const db::Batch& changes) {
  if (world_.random.one_in(20)) return fail(Kind::conflict, "as drawn");
  for (const auto& statement : changes.statements) ++applied_[std::get<std::string>(statement.values.at(0))];
  return {};
}

void SimulatedWorkload::run() {
  world_.run(story(), 2 * patience);
}

Task<> SimulatedWorkload::story() {
  broker_.network().faults.set(FaultRates::drawn(world_.random));
  broker_.disturb();
  Scope keepers{world_.loop};
  for (int i = 0; i < 2; ++i) {
    workers_.push_back(std::make_unique<Worker>(world_.loop));
    workers_.back()->name = fmt::format("worker-{}", i);
    keepers.start(keep(*workers_.back()));
    keepers.start(kill_now_and_then(*workers_.back()));
  }
  co_await world_.clock.sleep_for(disturbed_time);
  broker_.heal();
  writing_ = false;
  const bool came_to_an_end = co_await until_all_is_committed();
  keepers.cancel();
  co_await keepers.join();
  for (auto& worker : workers_) {
    worker->scope.cancel();
    co_await worker->scope.join();
  }
  CHECK(came_to_an_end);
}

Task<> SimulatedWorkload::keep(Worker& worker) {
  for (int life = 0;; ++life) {
    worker.dead = false;
    worker.log = broker_.open(fmt::format("{}.{}", worker.name, life));
    for (int lane = 0; lane < partitions; ++lane) worker.scope.start(write(worker, lane));
    worker.scope.start(consume(worker));
    while (!worker.dead) co_await worker.died.wait();
    worker.scope.cancel();
    co_await worker.scope.join();
  }
}

Task<> SimulatedWorkload::kill_now_and_then(Worker& worker) {
  auto died = [&worker] {
    worker.dead = true;
    worker.died.notify_all();
  };
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(1s, 20s));
    if (!writing_) co_return;
    if (worker.dead) continue;
    ++crashes_;
    const auto after = world_.random.one_in(2) ? AfterCrash::silent : AfterCrash::failing;
    if (world_.random.one_in(2)) {
      worker.log->crash_at(1 + world_.random.below(50), after, died);
    } else {
      worker.log->crash(after);
      died();
    }
  }
}

Task<> SimulatedWorkload::write(Worker& worker, int lane) {
  const Partition to{"in", lane};
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 3s));
    if (!writing_) co_return;
    Scope at_once{world_.loop};
    for (auto count = 1 + world_.random.below(3); count > 0; --count) {
      at_once.start(write_one(worker, to, fmt::format("in-{}", ++values_)));
    }
    co_await at_once.join();
  }
}

Task<> SimulatedWorkload::write_one(Worker& worker, Partition to, std::string value) {
  (void)co_await append(worker, std::move(to), std::move(value));
}

Task<Result<std::vector<Offset>>> SimulatedWorkload::append(Worker& worker, Partition to, std::string value) {
  auto& attempt = *attempts_.emplace_back(std::make_unique<Attempt>(Attempt{to, value, worker.log->process().name()}));
  auto answer = co_await worker.log->append(one(to, value));
  attempt.answered = true;
  attempt.answer = answer;
  co_return answer;
}

Task<> SimulatedWorkload::consume(Worker& worker) {
  bool alive = true;
  while (alive) {
    Subscription subscription{.group = "group", .topics = {}, .batch_records_max = 5};
    subscription.topics.emplace_back("in");
    auto consumer = co_await worker.log->subscribe(std::move(subscription));
    if (consumer) {
      alive = co_await follow(worker, **consumer);
    } else {
      alive = consumer.error().kind != Kind::stopping;
      co_await world_.clock.sleep_for(100ms);
    }
  }
}

Task<bool> SimulatedWorkload::follow(Worker& worker, Consumer& consumer) {
  Positions positions;
  while (true) {
    auto notice = co_await within(world_.clock, world_.clock.now() + 2s, consumer.next());
    if (notice) {
      if (const auto* broken = std::get_if<Broken>(&*notice)) co_return broken->failure.kind != Kind::stopping;
      if (std::holds_alternative<Closed>(*notice)) co_return true;
      co_await act_on(worker, consumer, positions, std::move(*notice));
      if (writing_ && world_.random.one_in(50)) consumer.close();
    }
    pause_or_resume(consumer, positions);
  }
}

Task<> SimulatedWorkload::act_on(Worker& worker, Consumer& consumer, Positions& positions, Notice notice) {
  if (auto* assigned = std::get_if<Assigned>(&notice)) told(positions, *assigned);
  if (auto* records = std::get_if<Records>(&notice)) {
    told(positions, *records);
    co_await work_on(worker, consumer, positions.at(records->partition), records->partition);
  }
  if (auto* end = std::get_if<ReachedEnd>(&notice)) {
    told(positions, *end);
    co_await commit(consumer, end->partition, positions.at(end->partition), 100);
  }
  if (auto* revoking = std::get_if<Revoking>(&notice)) {
    for (const auto& partition : revoking->partitions) {
      const bool commits = positions.contains(partition) && !world_.random.one_in(4);
      if (commits) co_await commit(consumer, partition, positions.at(partition), 1);
      positions.erase(partition);
    }
    if (!world_.random.one_in(8)) consumer.release(revoking->partitions);  // else the deadline takes them
  }
  if (auto* lost = std::get_if<Lost>(&notice)) {
    for (const auto& partition : lost->partitions) positions.erase(partition);
  }
}

void SimulatedWorkload::told(Positions& positions, const Assigned& assigned) {
  for (const auto& each : assigned.partitions) {
    auto& newest = newest_epoch_[each.partition];
    newest = std::max(newest, each.epoch);
    CHECK_FALSE(positions.contains(each.partition));
    positions[each.partition] = Position{each.epoch, each.committed ? each.committed->watermark : 0, false};
    note(fmt::format("is told {} of {} from {}", each.epoch, each.partition.number, positions[each.partition].next));
  }
}

void SimulatedWorkload::told(Positions& positions, const Records& records) {
  REQUIRE(positions.contains(records.partition));
  auto& position = positions[records.partition];
  CHECK(records.epoch == position.epoch);
  CHECK_FALSE(position.paused);
  for (const auto& record : records.records) {
    REQUIRE(record.offset() >= position.next);
    position.next = record.offset() + 1;
    delivered_[records.partition].insert(record.offset());
  }
  note(fmt::format("is told {} of {} up to {}", records.records.size(), records.partition.number, position.next));
}

void SimulatedWorkload::told(const Positions& positions, const ReachedEnd& end) {
  REQUIRE(positions.contains(end.partition));
  const auto& position = positions.at(end.partition);
  CHECK(end.epoch == position.epoch);
  const auto& stored = *broker_.store().find(end.partition);
  const auto next = stored.at_or_above(position.next);
  const bool missed = next != stored.records.end() && next->offset < end.end;
  CHECK_FALSE(missed);
}

void SimulatedWorkload::pause_or_resume(Consumer& consumer, Positions& positions) {
  for (auto& [partition, position] : positions) {
    const bool change = position.paused ? !writing_ || world_.random.one_in(3) : writing_ && world_.random.one_in(20);
    if (!change) continue;
    position.paused = !position.paused;
    if (position.paused) {
      consumer.pause(partition);
    } else {
      consumer.resume(partition);
    }
  }
}

// Writes one record on for each batch, and commits: in one transaction where that can be, else one after the other.
Task<> SimulatedWorkload::work_on(Worker& worker, Consumer& consumer, Position position, Partition from) {
  const Partition to{"out", from.number};
  auto value = fmt::format("out-{}", ++values_);
  if (atomic_) {
    co_await append_with_commit(worker, to, std::move(value), Commit{from, position.epoch, position.next, "atomic"});
    co_return;
  }
  auto stored = co_await append(worker, to, std::move(value));
  if (stored) co_await commit(consumer, from, position, 1);
}

Task<> SimulatedWorkload::append_with_commit(Worker& worker, Partition to, std::string value, Commit commit) {
  const bool must_be_stale = newest_epoch_[commit.partition] > commit.epoch;
  db::Batch changes;
  changes.statements.push_back({"INSERT INTO applied VALUES ($1)", {value}});
  std::vector<Commit> commits;
  commits.push_back(std::move(commit));
  auto& attempt = *attempts_.emplace_back(std::make_unique<Attempt>(Attempt{to, value, worker.log->process().name()}));
  auto answer = co_await worker.log->append_atomically(one(to, value), std::move(changes), std::move(commits));
  attempt.answered = true;
  attempt.answer = answer;
  if (must_be_stale) CHECK_FALSE(answer.has_value());
  if (!answer && answer.error().kind == Kind::stale) ++stale_;
}

Task<> SimulatedWorkload::commit(Consumer& consumer, Partition partition, Position position, int tries) {
  while (tries-- > 0) {
    const bool must_be_stale = newest_epoch_[partition] > position.epoch;
    std::vector<Commit> commits;
    commits.push_back(Commit{partition, position.epoch, position.next, "plain"});
    const auto done = co_await consumer.commit(std::move(commits));
    if (must_be_stale) CHECK_FALSE(done.has_value());
    if (!done && done.error().kind == Kind::stale) ++stale_;
    if (done || done.error().kind == Kind::stale || done.error().kind == Kind::stopping) co_return;
    co_await world_.clock.sleep_for(300ms);
  }
}

Task<bool> SimulatedWorkload::until_all_is_committed() {
  const auto deadline = world_.clock.now() + patience;
  while (world_.clock.now() < deadline) {
    bool all = true;
    for (int number = 0; number < partitions; ++number) {
      const auto committed = broker_.coordinator().committed("group", {"in", number});
      all = all && committed && committed->watermark >= broker_.store().find({"in", number})->next;
    }
    if (all) co_return true;
    co_await world_.clock.sleep_for(1s);
  }
  co_return false;
}

}  // namespace sluice::log
