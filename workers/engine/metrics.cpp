#include "workers/engine/metrics.hpp"

namespace sluice::engine {

EngineMetrics::EngineMetrics(Metrics& metrics, const std::string& pool)
    : metrics_(metrics),
      pool_(pool),
      running_(metrics.gauge("sluice_engine_running", "Handlers at work.", {{"pool", pool}})),
      lanes_(metrics.gauge("sluice_engine_lanes", "Conversations with something in memory.", {{"pool", pool}})),
      records_(metrics.gauge("sluice_engine_records", "Records in memory.", {{"pool", pool}})),
      bytes_(metrics.gauge("sluice_engine_bytes", "Bytes of the records in memory.", {{"pool", pool}})),
      parked_lanes_(metrics.gauge("sluice_engine_parked_lanes", "Parked conversations.", {{"pool", pool}})),
      parked_events_(metrics.gauge("sluice_engine_parked_events", "Parked events.", {{"pool", pool}})),
      partitions_(metrics.gauge("sluice_engine_partitions", "Partitions that are assigned.", {{"pool", pool}})),
      paused_(metrics.gauge("sluice_engine_pauses", "Pauses that concern this pool.", {{"pool", pool}})),
      note_share_(metrics.gauge("sluice_engine_note_share", "How full the fullest commit note is.", {{"pool", pool}})),
      lag_(
          metrics.gauge("sluice_engine_lag_records", "Records of its partitions that are not done.", {{"pool", pool}})),
      watermark_age_(metrics.gauge("sluice_engine_watermark_age_seconds",
                                   "How long the slowest watermark has not moved with something unfinished.",
                                   {{"pool", pool}})),
      oldest_age_(metrics.gauge("sluice_engine_oldest_seconds",
                                "Age of the oldest record that is not done, where the log removes by age.",
                                {{"pool", pool}})),
      watermarks_still_(
          metrics.gauge("sluice_engine_watermarks_still", "Partitions of which that is an alarm.", {{"pool", pool}})),
      handlers_late_(
          metrics.gauge("sluice_engine_handlers_late", "Handlers past their deadline now.", {{"pool", pool}})),
      finished_{metrics.counter("sluice_engine_finished_total", "Events that are done.", {{"pool", pool}})},
      dead_{metrics.counter("sluice_engine_dead_letters_total", "Dead letters written.", {{"pool", pool}})},
      tripped_{metrics.counter("sluice_engine_dead_rate_trips_total",
                               "Times that the rate of dead letters paused a tenant.", {{"pool", pool}})},
      handlers_late_ever_{
          metrics.counter("sluice_engine_handlers_late_total", "Handlers that went past.", {{"pool", pool}})},
      standstills_{
          metrics.counter("sluice_engine_loop_standstills_total", "Times the loop stood still.", {{"pool", pool}})},
      long_lanes_{metrics.counter("sluice_engine_long_lanes_total",
                                  "Times that a conversation had more in memory than its bound.", {{"pool", pool}})},
      journal_dropped_{metrics.counter("sluice_engine_journal_dropped_total",
                                       "Rows of the journal that could not be written in time.", {{"pool", pool}})} {
  for (const auto word : outcome_words) {
    tries_.push_back({metrics.counter("sluice_engine_tries_total", "Runs of the handler by what came of them.",
                                      {{"pool", pool}, {"outcome", word}})});
  }
}

void EngineMetrics::show(const EngineFigures& figures, const Dependencies* dependencies) {
  const auto set = [](const Gauge& gauge, auto value) { gauge.set(static_cast<double>(value)); };
  set(running_, figures.running);
  set(lanes_, figures.lanes);
  set(records_, figures.records);
  set(bytes_, figures.bytes);
  set(parked_lanes_, figures.parked_lanes);
  set(parked_events_, figures.parked_events);
  set(partitions_, figures.pairs);
  set(paused_, figures.pauses);
  set(note_share_, figures.note_share);
  set(lag_, figures.lag);
  set(watermark_age_, std::chrono::duration<double>(figures.watermark_age).count());
  set(oldest_age_, std::chrono::duration<double>(figures.oldest_age).count());
  set(watermarks_still_, figures.watermarks_still);
  set(handlers_late_, figures.handlers_late);
  finished_.rise_to(figures.finished);
  dead_.rise_to(figures.dead);
  tripped_.rise_to(figures.breakers_tripped);
  handlers_late_ever_.rise_to(figures.handlers_late_ever);
  standstills_.rise_to(figures.loop_standstills);
  long_lanes_.rise_to(figures.long_lanes);
  journal_dropped_.rise_to(figures.journal_dropped);
  for (std::size_t i = 0; i < tries_.size(); ++i) tries_[i].rise_to(figures.tries[i]);
  if (dependencies == nullptr) return;
  for (const auto& now : dependencies->figures()) {
    auto known = dependencies_.find(now.name);
    if (known == dependencies_.end()) {
      const auto gauge = [&](std::string_view name, std::string_view help) {
        return metrics_.gauge(name, help, {{"pool", pool_}, {"dependency", now.name}});
      };
      known = dependencies_
                  .emplace(now.name,
                           OfDependency{
                               gauge("sluice_engine_dependency_open", "1 while its breaker is open for all."),
                               gauge("sluice_engine_dependency_tenants_open", "Tenants for which its breaker is open."),
                               gauge("sluice_engine_dependency_calls", "Calls under way."),
                               gauge("sluice_engine_dependency_calls_max", "Calls allowed at once.")})
                  .first;
    }
    set(known->second.open, now.open_for_all ? 1 : 0);
    set(known->second.tenants_open, now.tenants_open);
    set(known->second.calls, now.calls);
    set(known->second.calls_max, now.calls_max);
  }
}

}  // namespace sluice::engine
