// Where the log removes records by age, done or not: an alarm at half of that age, and a day before its end a parked
// event becomes a dead letter, also one that waits for a dependency, a pause or an operator.
#include <algorithm>

#include "workers/engine/core.hpp"

namespace sluice::engine {
namespace {

constexpr std::chrono::hours last_day{24};
constexpr std::chrono::minutes first_look{1};  // after the start: a process may be restarted before the next one

}  // namespace

Duration EngineCore::age_of(const log::Record& record) const {
  return parts.clock.wall() - record.timestamp();
}

bool EngineCore::expires(const log::Record& record) const {
  return limits.records_kept && age_of(record) >= *limits.records_kept - last_day;
}

Task<> EngineCore::watch_ages() {
  for (Duration pause = first_look;; pause = limits.age_pause) {
    co_await parts.clock.sleep_for(pause);
    std::vector<PairPtr> ours;
    for (const auto& [number, pair] : pairs) {
      if (pair->opened) ours.push_back(pair);
    }
    Duration oldest{};
    for (const auto& pair : ours) {
      for (const Which which : {Which::main, Which::retry}) {
        if (!pair->admits()) continue;
        const Duration age = co_await oldest_age(pair, which);
        oldest = std::max(oldest, age);
      }
      if (pair->admits()) co_await rouse_expiring(pair);
    }
    figures.oldest_age = oldest;
  }
}

// Of what is not done, or nothing where that cannot be told now.
Task<Duration> EngineCore::oldest_age(PairPtr pair, Which which) {
  const log::Partition partition = side(*pair, which).partition;
  const log::Offset watermark = side(*pair, which).tracker.watermark();
  const auto page = co_await parts.log.read(partition, watermark, {.records_max = 1});
  if (!page || page->empty() || side(*pair, which).tracker.watermark() != watermark) co_return Duration{};
  const Duration age = age_of(page->front());
  if (age >= *limits.records_kept / 2) {
    parts.logger.error("an unfinished record has reached half of the age at which the log removes it",
                       {{"pool", spec.name},
                        {"topic", partition.topic},
                        {"partition", partition.number},
                        {"offset", page->front().offset()},
                        {"hours", std::chrono::duration_cast<std::chrono::hours>(age).count()},
                        {"kept_hours", static_cast<std::int64_t>(limits.records_kept->count())}});
  }
  co_return age;
}

// Those that nobody is going to try by themselves soon. Records of a partition age in the order of their offsets.
Task<> EngineCore::rouse_expiring(PairPtr pair) {
  std::vector<std::pair<log::Offset, LaneId>> heads;
  for (const LaneId lane : pair->parked) {
    const bool sleeps = !index.is_due(lane) || index.due_of(lane) == Instant::max();
    if (sleeps) heads.emplace_back(*index.head(lane), lane);
  }
  std::ranges::sort(heads);
  for (const auto& [offset, lane] : heads) {
    const auto record = co_await parts.log.read_one(pair->retry->partition, offset);
    if (!pair->admits() || !record || !expires(*record)) co_return;
    if (index.head(lane) == offset) rouse(*pair, lane);
  }
}

void EngineCore::rouse(Pair& pair, LaneId lane) {
  const bool is_held = pair.held.contains(lane) && !pair.lanes.contains(lane);
  const bool rouses =
      index.due_of(lane) == Instant::max() || pausing.wake_one(lane) || (is_held && pair.burying.insert(lane).second);
  if (!rouses) return;  // it is being tried
  index.set_due(lane, parts.clock.now());
  arm_parked();
}

Outcome EngineCore::expired() {
  return Never{.why = {Kind::timed_out, "it waited until the log was about to remove it"}, .code = "parked too long"};
}

}  // namespace sluice::engine
