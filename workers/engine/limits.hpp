// The bounds of one engine, each with its unit; shown at start.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "workers/engine/dead_rate.hpp"
#include "workers/engine/retry_policy.hpp"

namespace sluice::engine {

struct EngineLimits {
  std::size_t running_max = 5'000;            // handlers at the same time
  std::size_t partition_records_max = 1'000;  // in memory, of one main partition; above it the partition pauses,
  std::size_t partition_bytes_max = std::size_t{10} << 20U;  // and goes on at half of it
  double tenant_share_max = 0.25;    // of those; a tenant above it goes through retry, where there are others. Below
                                     // the half, or the partition would wait for that tenant
  std::size_t records_max = 20'000;  // in memory, of all partitions
  std::size_t bytes_max = std::size_t{512} << 20U;
  std::size_t lane_records_max =
      200;  // of one conversation; above it goes through retry, with an alarm, where there are others
  std::size_t parked_max = 1'000'000;     // events; above it main partitions pause, with an alarm
  std::size_t resumed_at_once_max = 500;  // parked conversations that start in one turn of the loop
  double map_share_max = 0.75;            // of the commit's metadata; above it a main partition admits nothing new
  std::size_t commit_completions = 500;   // a commit comes after so many,
  std::chrono::milliseconds commit_pause{250};    // or after so long
  std::chrono::milliseconds handler_max{60'000};  // one run of a handler
  std::chrono::milliseconds revoke_wait_max{2'000};
  std::chrono::milliseconds drain_max{25'000};
  std::chrono::milliseconds storage_pause_min{100};  // between tries when the log or the database does not take a write
  std::chrono::milliseconds storage_pause_max{5'000};
  std::chrono::milliseconds schedule_lease{30'000};     // so long a claimed row is left to its claimer
  std::chrono::milliseconds schedule_look_max{10'000};  // how long a jump of the wall clock may go unnoticed
  std::int64_t schedule_claims_max = 500;               // rows fired together
  bool journal = true;                                  // every hop, attempt, wait and decision, for `trace`
  std::chrono::milliseconds journal_pause{500};         // rows wait at most so long for the next batch
  std::size_t journal_entries_max = 20'000;             // that wait; above it the oldest are dropped and counted
  std::uint32_t hops_max = 32;                          // events that came of each other; one more is a loop, and dead
  std::chrono::milliseconds pauses_look_max{60'000};    // how long a pause or its end may go unheard of
  DeadRateSettings dead_rate = {};
  std::chrono::milliseconds watch_pause{1'000};            // between looks of the watchdogs,
  std::chrono::milliseconds lag_pause{10'000};             // between looks at how far the log has gone on,
  std::chrono::milliseconds handler_late_max{5'000};       // which tell of a handler so long past its deadline,
  std::chrono::milliseconds watermark_still_max{600'000};  // of a watermark that has not moved for so long,
  std::chrono::milliseconds standstill_max{1'000};         // and of a loop that did nothing else for so long
  std::optional<std::chrono::hours> records_kept = {};     // where the log removes records of that age, done or not
  std::chrono::minutes age_pause{60};                      // between looks at the oldest ones
  RetrySettings retry = {};
};

// All of them on one line, as an engine shows them when it starts.
std::string described(const EngineLimits& limits);

}  // namespace sluice::engine
