#include "workers/engine/limits.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::engine {

std::string described(const EngineLimits& limits) {
  std::string text;
  const auto say = [&](std::string_view name, auto value) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  };
  const auto ms = [&](std::string_view name, std::chrono::milliseconds value) {
    text += fmt::format(" {}={}ms", name, value.count());
  };
  say("running_max", limits.running_max);
  say("partition_records_max", limits.partition_records_max);
  say("partition_bytes_max", limits.partition_bytes_max);
  say("records_max", limits.records_max);
  say("bytes_max", limits.bytes_max);
  say("lane_records_max", limits.lane_records_max);
  say("parked_max", limits.parked_max);
  say("resumed_at_once_max", limits.resumed_at_once_max);
  say("map_share_max", limits.map_share_max);
  say("commit_completions", limits.commit_completions);
  ms("commit_pause", limits.commit_pause);
  ms("handler_max", limits.handler_max);
  ms("lag_pause", limits.lag_pause);
  ms("handler_late_max", limits.handler_late_max);
  ms("watermark_still_max", limits.watermark_still_max);
  ms("standstill_max", limits.standstill_max);
  ms("revoke_wait_max", limits.revoke_wait_max);
  ms("drain_max", limits.drain_max);
  ms("storage_pause_max", limits.storage_pause_max);
  ms("schedule_lease", limits.schedule_lease);
  ms("schedule_look_max", limits.schedule_look_max);
  say("schedule_claims_max", limits.schedule_claims_max);
  say("journal", limits.journal ? "on" : "off");
  ms("journal_pause", limits.journal_pause);
  say("journal_entries_max", limits.journal_entries_max);
  say("hops_max", limits.hops_max);
  ms("pauses_look_max", limits.pauses_look_max);
  say("dead_letters_min", limits.dead_rate.letters_min);
  say("dead_share_above", limits.dead_rate.share_above);
  ms("dead_window", limits.dead_rate.window);
  ms("dead_probe_pause", limits.dead_rate.probe_pause);
  say("lane_tries_max", limits.retry.lane_tries_max);
  ms("lane_pause_min", limits.retry.lane_pause_min);
  ms("lane_pause_max", limits.retry.lane_pause_max);
  ms("lane_total_max", limits.retry.lane_total_max);
  std::vector<std::int64_t> ladder;
  ladder.reserve(limits.retry.ladder.size());
  for (const auto step : limits.retry.ladder) ladder.push_back(step.count());
  say("ladder", fmt::format("{}s", fmt::join(ladder, "s,")));
  say("records_kept", limits.records_kept ? fmt::format("{}h", limits.records_kept->count()) : "until done");
  ms("age_pause", limits.age_pause);
  say("park_max", fmt::format("{}h", limits.retry.park_max.count()));
  return text;
}

}  // namespace sluice::engine
