// The schedule: what is due comes back into the pool's main topic under its own event id. A row is claimed with a
// lease, its record appended, then it is marked fired; a crash in between appends it again, which the effect ledger
// makes one effect.
#include "common/async/deadline.hpp"
#include "common/event/partition.hpp"
#include "common/store/schedule.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

Task<> EngineCore::fire_schedule() {
  const auto listening = parts.database.listen(std::string{store::schedule_channel}, [this] {
    ++schedule_news;
    schedule_changed.notify_all();
  });
  std::uint32_t failures = 0;
  while (!stopping) {
    const std::uint64_t news = schedule_news;
    auto next = co_await fire_due();
    if (!next) {
      failures = std::min<std::uint32_t>(failures + 1, 5);
      parts.logger.warn("the schedule waits",
                        {{"pool", spec.name}, {"class", name_of(next.error().kind)}, {"why", next.error().sentence}});
    } else {
      failures = 0;
    }
    const Duration pause = next ? *next : Duration{limits.storage_pause_min} * (1U << failures);
    if (pause == Duration{} || news != schedule_news) continue;
    [[maybe_unused]] const bool told = co_await within(parts.clock, parts.clock.now() + pause, schedule_changed.wait());
  }
}

// Fires what is due and answers how long nothing will be; zero when there may be more right now.
Task<Result<Duration>> EngineCore::fire_due() {
  auto claimed = co_await store::claim_due(parts.database, spec.name, parts.clock.wall(), parts.owner,
                                           limits.schedule_lease, limits.schedule_claims_max);
  if (!claimed) co_return fail(std::move(claimed.error()));
  if (claimed->empty()) {
    auto next = co_await store::next_due(parts.database, spec.name);
    if (!next) co_return fail(std::move(next.error()));
    const Duration nothing_due = *next ? Duration{**next - parts.clock.wall()} : Duration{limits.schedule_look_max};
    co_return std::clamp(nothing_due, Duration{std::chrono::milliseconds{1}}, Duration{limits.schedule_look_max});
  }
  std::vector<log::Outgoing> records;
  for (const auto& event : *claimed) {
    records.push_back({.topic = topics.main,
                       .partition = event::partition_of(event.record.key, spec.partitions),
                       .key = event.record.key,
                       .value = event.record.value,
                       .headers = event.record.headers});
  }
  auto appended = co_await parts.log.append(std::move(records));
  if (!appended) co_return fail(std::move(appended.error()));  // the lease runs out and they are claimed again
  auto fired = co_await store::fired(parts.database, std::move(*claimed), parts.clock.wall());
  if (!fired) co_return fail(std::move(fired.error()));
  co_return Duration{};
}

}  // namespace sluice::engine
