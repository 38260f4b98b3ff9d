// Partition n of a pool: the main and the retry partition of the same number, which always belong to the same member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/signal.hpp"
#include "common/event/tenant.hpp"
#include "common/log/log.hpp"
#include "workers/engine/commit_note.hpp"
#include "workers/engine/parked_index.hpp"
#include "workers/engine/tracker.hpp"
#include "workers/engine/trial.hpp"
#include "workers/engine/watching.hpp"

namespace sluice::engine {

struct Side {
  Side(log::Partition its_partition, log::Epoch its_epoch, Tracker its_tracker, Trial its_trial)
      : partition(std::move(its_partition)),
        epoch(its_epoch),
        tracker(std::move(its_tracker)),
        trial(its_trial),
        watermark_at_first(tracker.watermark()) {}

  [[nodiscard]] bool has_news() const { return tracker.changes() != committed_changes || trial_changed; }

  log::Partition partition;
  log::Epoch epoch;
  Tracker tracker;
  Trial trial;
  log::Offset watermark_at_first;
  std::uint64_t committed_changes = 0;
  bool trial_changed = false;  // since the last commit
  bool paused = false;
};

struct Lane;
struct Move;
struct Finishing;

// A main record that goes into retry has arrived when its append is acknowledged and the record came back by delivery.
struct MoveState {
  bool appended = false;
  bool delivered = false;
};

// What was read and may not run yet: the commit's note has to say first that something begins to run.
struct Admission {
  std::deque<struct Queued> events;            // of main, in order
  std::vector<LaneId> heads;                   // of retry, that are due
  std::unordered_set<std::uint64_t> on_trial;  // of the group that runs: offsets of main, lanes of retry
  bool flows = false;                          // everything is admitted as it comes
  Signal changed;
};

// Why a conversation's followers wait for an operator.
struct Held {
  std::string event;  // that became a dead letter
  std::string why;
  WallTime since{};
  std::uint64_t number = 0;  // of this hold, in this process: an operator's release may be heard of when the next holds
};

struct Pair {
  explicit Pair(std::int32_t its_number);
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Ours, and open for new events. False for ever once it is leaving or lost.
  [[nodiscard]] bool admits() const { return current && !leaving; }

  const std::int32_t number;
  std::optional<Side> main;
  std::optional<Side> retry;
  bool current = true;   // false once somebody else may own it: what still runs is an orphan
  bool leaving = false;  // admits nothing; what runs may finish
  bool opened = false;   // the retry partition has been read to its end, main flows
  bool retry_at_end = false;
  bool main_at_end = false;  // since the last record
  Signal changed;            // something above or a count below changed

  Admission main_admission;
  Admission retry_admission;
  std::deque<struct Queued> reading;  // admitted, and not yet told to a handler that reads ahead
  bool reader_runs = false;
  std::size_t records = 0;  // of main, in memory
  std::size_t bytes = 0;
  std::unordered_map<event::Tenant, std::size_t> of_tenant;  // records of main, in memory
  std::size_t running = 0;                                   // handlers
  std::size_t waiting = 0;                                   // lanes, for a dependency that is sick for everybody
  WatermarkWatch watch;                                      // of main
  std::size_t acting = 0;                                    // on what handlers answered, until it is durable
  double map_share = 0;                                      // of the last commit's metadata
  std::deque<struct Finishing*> finishing;                   // finished events whose transaction is to come
  bool flush_runs = false;
  bool transaction_runs = false;  // of the flush; between two of them it waits for a log that takes nothing
  std::unordered_map<LaneId, std::unique_ptr<Lane>> lanes;                    // that have something in memory
  std::unordered_map<LaneId, std::unordered_map<ShortId, MoveState>> moving;  // main records on their way into retry
  std::deque<struct Move> to_move;                                            // not appended yet
  bool mover_runs = false;
  std::unordered_map<LaneId, Instant> new_heads;  // parked and not yet delivered: when they are due
  std::unordered_map<LaneId, Held> held;          // until released, with or without anything behind
  std::unordered_set<LaneId> burying;             // held ones whose head expires: it is on its way to the dead letters
  std::unordered_set<LaneId> parked;              // conversations of the parked index that are in this pair
  std::unordered_set<ShortId> scheduling;         // their rows in the schedule may be written: they may fire already
};

using PairPtr = std::shared_ptr<Pair>;

// As long as it lives, what a handler answered is being made durable: a hand-over waits for it.
struct Acting {
  explicit Acting(Pair& its_pair) : pair(its_pair) { ++pair.acting; }
  Acting(const Acting&) = delete;
  Acting& operator=(const Acting&) = delete;
  ~Acting() {
    --pair.acting;
    if (!pair.admits()) pair.changed.notify_all();
  }
  Pair& pair;
};

}  // namespace sluice::engine
