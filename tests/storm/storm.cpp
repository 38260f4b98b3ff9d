#include "tests/storm/storm.hpp"

#include <algorithm>
#include <csignal>

#include <doctest/doctest.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/common/db/postgres_support.hpp"

namespace sluice::storm {

using namespace std::chrono_literals;

namespace {

std::string last_lines(const std::string& text) {
  constexpr int lines_max = 30;
  std::size_t begin = text.size();
  for (int lines = 0; lines <= lines_max && begin != std::string::npos && begin > 0; ++lines)
    begin = text.rfind('\n', begin - 1);
  return begin == std::string::npos || begin == 0 ? text : text.substr(begin + 1);
}

}  // namespace

std::vector<Planned> planned_storm(const StormSize& size, Random& random) {
  std::vector<Planned> plan;
  for (int number = 0; number < size.events; ++number) {
    Planned planned{.number = number,
                    .conversation = static_cast<int>(random.below(static_cast<std::uint64_t>(size.conversations))),
                    .pause = std::chrono::floor<std::chrono::milliseconds>(random.between(1ms, size.handler_max))};
    constexpr int percent = 100;
    const auto drawn = random.below(percent);
    if (drawn < 2) {
      planned.behaviour = Behaviour::never;
    } else if (drawn < 15) {
      planned.behaviour = Behaviour::effect;
    }
    if (random.one_in(200)) {
      planned.failures = failures_to_park + static_cast<std::uint32_t>(random.below(2));
    } else if (random.one_in(30)) {
      planned.failures = 1 + static_cast<std::uint32_t>(random.below(2));
    }
    plan.push_back(planned);
  }
  return plan;
}

Storm::Storm(log::KafkaCluster cluster, const StormSize& size, std::uint64_t seed)
    : cluster_(std::move(cluster)),
      size_(size),
      random_(seed),
      plan_(planned_storm(size, random_)),
      scene_(split_scene(cluster_.brokers(), db::postgres_url_of_storms(), log::unique_name("storm"))),
      began_(scene_->clock().now()),
      producer_(std::make_unique<Scope>(scene_->loop())) {
  producer_->start(produce());
}

// Its topics go, since a node that keeps thousands of partitions is slow to come back.
Storm::~Storm() {
  producer_->cancel();
  scene_->run(producer_->join());
  cluster_.remove_topics(scene_->prefix());
}

// In portions that are spread evenly over the time. One that the log does not take now comes later, and so does all
// behind it: then the next ones are larger.
Task<> Storm::produce() {
  constexpr std::size_t portion_min = 50;
  constexpr std::size_t portion_max = 1'000;
  const Instant begin = scene_->clock().now();
  const Duration each = Duration{size_.produced_within} / plan_.size();
  for (std::size_t next = 0; next < plan_.size();) {
    const auto due = static_cast<std::size_t>((scene_->clock().now() - begin) / each);
    const auto wanted = std::clamp(due - std::min(due, next), portion_min, portion_max);
    const auto first = plan_.begin() + static_cast<std::ptrdiff_t>(next);
    next = std::min(next + wanted, plan_.size());
    std::vector<Planned> events{first, plan_.begin() + static_cast<std::ptrdiff_t>(next)};
    co_await scene_->append(std::move(events));
    co_await scene_->clock().sleep_until(begin + each * next);
  }
  producing_ = false;
}

void Storm::wait(Duration least, Duration most) {
  scene_->run(scene_->clock().sleep_for(random_.between(least, most)));
  supervise();
}

void Storm::join(const std::string& slot) {
  workers_.push_back(scene_->start_worker(slot));
}

// One that starts while what it needs is away says so and ends.
void Storm::supervise() {
  for (auto& worker : workers_) {
    if (!worker->has_ended()) continue;
    constexpr int unavailable = 69;
    const int code = worker->wait();
    CHECK_MESSAGE(code == unavailable, worker->said());
    const std::string slot = worker->slot();
    retire(std::exchange(worker, scene_->start_worker(slot)));
  }
}

std::size_t Storm::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(workers_, [](const auto& worker) { return !worker->is_frozen(); }));
}

std::size_t Storm::some_running() {
  std::vector<std::size_t> running;
  for (std::size_t which = 0; which < workers_.size(); ++which) {
    if (!workers_[which]->is_frozen()) running.push_back(which);
  }
  REQUIRE_FALSE(running.empty());
  return running[random_.below(running.size())];
}

void Storm::kill() {
  const auto which = some_running();
  CHECK(workers_[which]->kill() == 128 + SIGKILL);
  ++kills_;
  retire(std::move(workers_[which]));
  workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(which));
}

void Storm::kill_and_replace(std::size_t which) {
  CHECK(workers_[which]->kill() == 128 + SIGKILL);
  ++kills_;
  const std::string slot = workers_[which]->slot();
  retire(std::exchange(workers_[which], scene_->start_worker(slot)));
}

void Storm::terminate() {
  const auto which = some_running();
  if (!workers_[which]->wait_until_ready()) return;  // it gave up, which supervise() sees
  workers_[which]->terminate();
  leaving_.push_back(std::move(workers_[which]));
  workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(which));
}

void Storm::retire(std::unique_ptr<WorkerProcess> worker) {
  gone_.push_back(std::move(worker));
}

void Storm::freeze() {
  workers_[some_running()]->freeze();
}

void Storm::thaw() {
  for (const auto& worker : workers_) {
    if (worker->is_frozen()) worker->thaw();
  }
}

void Storm::refuse_letters() {
  cluster_.set_config(scene_->topics().dead, "max.message.bytes", "1");
}

void Storm::take_letters() {
  cluster_.set_config(scene_->topics().dead, "max.message.bytes", "4194304");
}

void Storm::broker(std::string_view verb, int node) {
  cluster_.node(verb, node);
}

int Storm::leader_of_some_partition() {
  const auto number = static_cast<std::int32_t>(random_.below(event::partitions_per_topic));
  return cluster_.leader_of({scene_->topics().main, number});
}

// How long it takes is the machine's affair, as long as it goes on.
void Storm::end() {
  constexpr std::chrono::seconds standstill_max{60};
  Left least;
  Instant moved = scene_->clock().now();
  bool ended = false;
  while (!ended && scene_->clock().now() - moved < standstill_max) {
    wait(500ms, 500ms);
    const auto left = left_to_end(*scene_, plan_);
    if (producing_ || left < least) moved = scene_->clock().now();
    least = std::min(least, left);
    ended = !producing_ && left.nothing();
  }
  CHECK_MESSAGE(ended, "it goes on until everything has its end; events left: ", least.events);
  for (auto& worker : workers_) {
    CHECK_MESSAGE(worker->wait_until_ready().has_value(), worker->said());
    worker->terminate();
    leaving_.push_back(std::move(worker));
  }
  workers_.clear();
  for (auto& worker : leaving_) {
    const int code = worker->wait();
    CHECK_MESSAGE(code == 0, worker->said());
    retire(std::move(worker));
  }
  leaving_.clear();
  std::vector<Life> lives;
  for (const auto& worker : gone_) lives.push_back(worker->life());
  const auto evidence = evidence_of(*scene_, plan_, std::move(lives));
  const auto broken = broken_oracles(evidence);
  for (const auto& sentence : broken) MESSAGE(sentence);
  for (std::size_t which = 0; which < gone_.size() && !(ended && broken.empty()); ++which)
    MESSAGE("worker ", which, " said last:\n", last_lines(gone_[which]->said()));
  CHECK(broken.empty());
  tell(evidence);
}

void Storm::tell(const Evidence& evidence) {
  const auto finals = std::ranges::count_if(evidence.runs, [](const Ran& ran) { return ran.is_final; });
  const auto orphans = std::ranges::count_if(evidence.runs, [](const Ran& ran) { return ran.is_orphan; });
  const auto unknown = std::ranges::count_if(evidence.ledger, [](const auto& row) { return row.second == "unknown"; });
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(scene_->clock().now() - began_);
  MESSAGE(fmt::format(
      "{} events, {} workers, {} of them killed: {} runs, {} of them ended an event, {} orphans, {} unknown effects, "
      "{}",
      plan_.size(), evidence.lives.size(), kills_, evidence.runs.size(), finals, orphans, unknown, took));
}

}  // namespace sluice::storm
