// The watchdogs of an engine, once a second: each finding is a log event with its ids, a metric, and a reason not to be
// ready.
#include "workers/engine/watching.hpp"

#include "workers/engine/core.hpp"

namespace sluice::engine {
namespace {

std::int64_t seconds_of(Duration time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

}  // namespace

Task<> EngineCore::watch() {
  parts.logger.info("limits", {{"pool", spec.name}, {"value", described(limits)}});
  while (true) {
    const Instant due = parts.clock.now() + limits.watch_pause;
    co_await parts.clock.sleep_until(due);
    if (const auto still = standstill(due, parts.clock.now(), limits.standstill_max)) {
      ++figures.loop_standstills;
      parts.logger.error("the loop stood still: something computes or blocks on it",
                         {{"pool", spec.name}, {"seconds", seconds_of(*still)}});
    }
    look_at_handlers();
    look_at_watermarks();
    if (metrics) metrics->show(current_figures(), parts.dependencies);
  }
}

void EngineCore::look_at_handlers() {
  const Instant late = parts.clock.now() - limits.handler_late_max;
  figures.handlers_late = 0;
  for (Run& run : runs) {
    if (run.deadline > late) continue;
    ++figures.handlers_late;
    if (std::exchange(run.told, true)) continue;
    ++figures.handlers_late_ever;
    parts.logger.error("a handler goes on past its deadline and does not hear that it is cancelled",
                       {{"pool", spec.name},
                        {"tenant", run.event.tenant.text()},
                        {"event", run.event.id.text()},
                        {"partition", run.partition}});
  }
}

// What waits for a sick dependency or a pause stands still for a reason that has its own alarm.
void EngineCore::look_at_watermarks() {
  figures.watermark_age = {};
  figures.watermarks_still = 0;
  figures.note_share = 0;
  for (const auto& [number, pair] : pairs) {
    if (!pair->current || !pair->main) continue;
    const auto& tracker = pair->main->tracker;
    const bool excused = pair->waiting > 0 || pausing.count() > 0;
    const Duration still =
        pair->watch.look(tracker.watermark(), tracker.unfinished() > 0 && !excused, parts.clock.now());
    figures.watermark_age = std::max(figures.watermark_age, still);
    figures.note_share = std::max(figures.note_share, pair->map_share);
    if (still <= limits.watermark_still_max) continue;
    ++figures.watermarks_still;
    if (!pair->watch.tell()) continue;
    parts.logger.error("a watermark does not move although something is unfinished",
                       {{"pool", spec.name},
                        {"partition", number},
                        {"offset", tracker.watermark()},
                        {"unfinished", tracker.unfinished()},
                        {"seconds", seconds_of(still)}});
  }
}

// A look that does not get all its answers leaves the figure as it was. Where offsets have gaps it says too much.
Task<> EngineCore::measure_lag() {
  while (true) {
    co_await parts.clock.sleep_for(limits.lag_pause);
    std::vector<PairPtr> ours;
    for (const auto& [number, pair] : pairs) {
      if (pair->main) ours.push_back(pair);
    }
    log::Offset lag = 0;
    bool all = true;
    for (const auto& pair : ours) {
      const auto span = co_await parts.log.span(pair->main->partition);
      all = all && span.has_value();
      if (span && pair->current) lag += std::max<log::Offset>(0, span->end - pair->main->tracker.watermark());
    }
    if (all) figures.lag = lag;
  }
}

EngineFigures EngineCore::current_figures() const {
  EngineFigures now = figures;
  now.parked_lanes = index.lanes();
  now.parked_events = index.events();
  now.pauses = pausing.count();
  now.journal_dropped = journaling.dropped();
  return now;
}

EngineHealth EngineCore::health() const {
  std::string detail;
  const auto say = [&](std::size_t count, std::string_view what) {
    if (count > 0) detail += fmt::format("{}{} {}", detail.empty() ? "" : ", ", count, what);
  };
  say(figures.handlers_late, "handlers past their deadline");
  say(figures.watermarks_still, "partitions whose watermark does not move");
  return {.fit = detail.empty(), .detail = std::move(detail)};
}

}  // namespace sluice::engine
