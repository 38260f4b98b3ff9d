// What a hand-over costs on Kafka: two real workers with handlers of 50 ms work on a steady stream, one of them ends,
// and the partitions that it had stand still until somebody goes on with them.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "common/async/scope.hpp"
#include "common/base/ensure.hpp"
#include "common/event/partition.hpp"
#include "tests/bench/bench.hpp"
#include "tests/storm/evidence.hpp"
#include "tests/storm/scene.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

constexpr int conversations = 640;
constexpr int portion = 32;
constexpr std::chrono::milliseconds portion_pause{50};  // 640 events a second, 20 of each partition
constexpr std::chrono::milliseconds handler{50};

// An event every now and then for every partition.
class Stream {
 public:
  explicit Stream(storm::Scene& scene) : scene_(scene), scope_(scene.loop()) { scope_.start(flow()); }
  ~Stream() {
    scope_.cancel();
    scene_.run(scope_.join());
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

 private:
  Task<> flow() {
    for (int number = 0;;) {
      std::vector<storm::Planned> events;
      for (int i = 0; i < portion; ++i, ++number)
        events.push_back({.number = number, .conversation = number % conversations, .pause = handler});
      co_await scene_.append(std::move(events));
      co_await scene_.clock().sleep_for(portion_pause);
    }
  }

  storm::Scene& scene_;
  Scope scope_;
};

std::int32_t partition_of(int number) {
  const auto event = storm::event_of({.number = number, .conversation = number % conversations});
  return event::partition_of(event::text_of(event.key), event::partitions_per_topic);
}

struct HandedOver {
  double still = 0;        // seconds: the longest that one of the partitions went without an event that ended
  double after_ready = 0;  // seconds from the successor's readiness to the last partition's first event that ended
  double repeats = 0;      // events that had ended and began again
};

// `ready`: of the one who goes on, when it is a new one.
HandedOver look(const storm::Life& before, const std::vector<storm::Life>& after, std::optional<Instant> ready) {
  std::map<std::int32_t, Instant> last;
  std::set<int> ended;
  for (const auto& run : storm::runs_of(before, 0)) {
    if (!run.is_final) continue;
    ended.insert(run.number);
    auto& at = last[partition_of(run.number)];
    at = std::max(at, *run.end);
  }
  std::map<std::int32_t, Instant> first;
  HandedOver found;
  for (const auto& life : after) {
    for (const auto& run : storm::runs_of(life, 0)) {
      const auto partition = partition_of(run.number);
      const auto moved = last.find(partition);
      if (moved == last.end() || run.begin < moved->second) continue;
      if (ended.erase(run.number) > 0) found.repeats += 1;
      if (!run.is_final) continue;
      const auto [at, is_first] = first.try_emplace(partition, *run.end);
      if (!is_first) at->second = std::min(at->second, *run.end);
    }
  }
  const auto seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  ENSURE(!last.empty() && first.size() == last.size(), "every partition that moved goes on");
  for (const auto& [partition, at] : first) {
    found.still = std::max(found.still, seconds(at - last.at(partition)));
    if (ready) found.after_ready = std::max(found.after_ready, seconds(at - *ready));
  }
  return found;
}

class TwoWorkers {
 public:
  TwoWorkers(const char* brokers, const char* postgres, bool in_slots)
      : scene_(storm::split_scene(brokers, postgres, fresh_prefix())), in_slots_(in_slots) {
    constexpr std::chrono::seconds settling{8};  // the group has found its members, and every partition has its stream
    for (const char* slot : {"one", "two"}) {
      workers_.push_back(scene_->start_worker(in_slots_ ? slot : ""));
      ENSURE(workers_.back()->wait_until_ready().has_value(), "a worker starts");
    }
    stream_.emplace(*scene_);
    scene_->run(scene_->clock().sleep_for(settling));
  }
  ~TwoWorkers() { stream_.reset(); }
  TwoWorkers(const TwoWorkers&) = delete;
  TwoWorkers& operator=(const TwoWorkers&) = delete;

  HandedOver after_stop() {
    workers_.front()->terminate();
    return look_after(5s);
  }
  HandedOver after_kill() {
    workers_.front()->kill();
    return look_after(20s);
  }
  HandedOver after_restart() {
    workers_.front()->terminate();
    workers_.front()->wait();
    workers_.push_back(scene_->start_worker("one"));
    ENSURE(workers_.back()->wait_until_ready().has_value(), "a worker starts");
    ready_ = scene_->clock().now();
    return look_after(5s);
  }

 private:
  static std::string fresh_prefix() {
    static int count = 0;
    return fmt::format("bench.handover.{}.{}", ::getpid(), count++);
  }

  HandedOver look_after(std::chrono::seconds pause) {
    scene_->run(scene_->clock().sleep_for(pause));
    std::vector<storm::Life> after;
    for (std::size_t which = 1; which < workers_.size(); ++which) after.push_back(workers_[which]->life());
    return look(workers_.front()->life(), after, ready_);
  }

  std::unique_ptr<storm::Scene> scene_;
  bool in_slots_;
  std::vector<std::unique_ptr<storm::WorkerProcess>> workers_;
  std::optional<Stream> stream_;
  std::optional<Instant> ready_;
};

}  // namespace

void engine_handover_bench(Report& report) {
  if (!report.wants("engine hand-over")) return;
  const char* brokers = std::getenv("TEST_KAFKA_SINGLE");
  const char* postgres = std::getenv("TEST_POSTGRES");
  if (brokers == nullptr || postgres == nullptr) {
    fmt::print(stderr, "sluice-bench: a hand-over needs TEST_KAFKA_SINGLE and TEST_POSTGRES and is left out\n");
    return;
  }
  const auto tell = [&](std::string_view name, std::string_view unit, std::string_view goal, double value) {
    report.once({.name = fmt::format("engine hand-over, {}", name),
                 .unit = std::string{unit},
                 .goal = std::string{goal},
                 .ours = [=] { return value; }});
  };
  const auto stopped = TwoWorkers{brokers, postgres, false}.after_stop();
  tell("SIGTERM, no progress for", "s", "<= 2 s", stopped.still);
  tell("SIGTERM, repeats", "events", "0", stopped.repeats);
  const auto killed = TwoWorkers{brokers, postgres, false}.after_kill();
  tell("SIGKILL, no progress for", "s", "<= 12 s", killed.still);
  tell("SIGKILL, repeats", "events", "since the last commit", killed.repeats);
  const auto restarted = TwoWorkers{brokers, postgres, true}.after_restart();
  tell("named slot, progress after ready", "s", "<= 1 s", restarted.after_ready);
  tell("named slot, no progress for", "s", "none: the start of a process", restarted.still);
  tell("named slot, repeats", "events", "0", restarted.repeats);
}

}  // namespace sluice::bench
