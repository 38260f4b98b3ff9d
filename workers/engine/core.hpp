// The inside of an engine: what its parts share. One file per part of the work:
//   reading.cpp        what the consumer tells
//   reading_ahead.cpp  what a pool does with a record when it is read
//   opening.cpp        assignment
//   admitting.cpp      when what was read may run
//   life.cpp           a conversation in memory
//   sharing.cpp        the window of records in memory
//   parked.cpp         a parked conversation
//   aging.cpp          what waits until its record is about to be removed
//   moving.cpp         main records on their way into retry
//   waiting.cpp        parked heads that wait for a dependency
//   pausing.cpp        tenants that wait
//   holding.cpp        followers that wait for an operator
//   firing.cpp         the schedule
//   settling.cpp       final outcomes
//   burying.cpp        what cannot be read
//   finishing.cpp      the order of effects
//   committing.cpp     what is done, told the log
//   journaling.cpp     what happened, told the journal
//   watching.cpp       watchdogs
//   leaving.cpp        hand-over
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/async/scope.hpp"
#include "common/base/ensure.hpp"
#include "common/event/pools.hpp"
#include "common/store/held_lanes.hpp"
#include "common/telemetry/redacted.hpp"
#include "workers/engine/dependency.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/fair_turns.hpp"
#include "workers/engine/journaling.hpp"
#include "workers/engine/lane.hpp"
#include "workers/engine/letter.hpp"
#include "workers/engine/metrics.hpp"
#include "workers/engine/pair.hpp"
#include "workers/engine/pausing.hpp"
#include "workers/engine/root_end.hpp"
#include "workers/engine/solitude.hpp"
#include "workers/engine/watching.hpp"

namespace sluice::engine {

enum class Which : std::uint8_t { main, retry };

// What the engine knows of a parked head beside its record.
struct Head {
  LaneId lane = 0;
  event::EventId event;
  std::string tenant;
  std::uint32_t tries = 0;
  WallTime since{};  // parked
  WallTime due{};
  std::string why;
  std::chrono::milliseconds paused{};  // since then, waiting for a dependency or under a pause
  std::optional<WallTime> paused_since = {};
  bool expires = false;  // its record is about to be removed: it ends now
};

// A main record on its way into the retry partition.
struct Move {
  Queued queued;
  LaneId lane = 0;
  std::optional<Head> head = {};  // of the one that failed; followers have none
};

// What is to be made durable for one or several finished events of one side of a pair.
struct Finish {
  Which which = Which::main;
  std::vector<log::Offset> offsets;  // rising
  std::vector<log::Outgoing> outputs = {};
  db::Batch changes = {};
  std::vector<store::JournalEntry> journal = {};
  bool buries = false;  // a dead letter is among the outputs
};
enum class Finished : std::uint8_t {
  durable,
  overtaken,  // an expectation of the changes was not met: run the handler again on what is true now
  orphaned,   // the partition went to somebody else: nothing was completed
};

struct EngineCore {
  EngineCore(PoolSpec its_spec, Handler& its_handler, EngineParts its_parts, EngineLimits its_limits);

  // reading.cpp
  Task<> run();
  void fall_silent();
  Task<> serve();
  Task<> read(log::Consumer& from);
  void told(log::Assigned& assigned);
  void told(log::Records& records);
  void told(log::ReachedEnd& reached);
  void told(log::Revoking& revoking);
  void told(log::Lost& lost);
  void take_main(const PairPtr& pair, const log::Record& record);
  void take_retry(const PairPtr& pair, const log::Record& record);
  void enqueue(const PairPtr& pair, Queued&& queued);
  Instant due_of_new_head(Pair& pair, LaneId lane);
  void watch_bounds(Pair& pair);
  PairPtr find(const log::Partition& partition, log::Epoch epoch);

  // admitting.cpp
  void admit(const PairPtr& pair, Queued&& queued);
  void admit_head(const PairPtr& pair, LaneId lane);
  struct Candidate {  // of a trial group
    log::Offset offset = 0;
    LaneId lane = 0;
    std::optional<Queued> queued = {};  // of main

    [[nodiscard]] std::uint64_t name(Which which) const {
      return which == Which::main ? static_cast<std::uint64_t>(offset) : lane;
    }
  };
  Task<> admit_events(PairPtr pair);
  Task<> admit_heads(PairPtr pair);
  struct Group {
    log::Offset first = 0;  // it began to be filled there; a conversation's earlier events come before
    std::vector<Candidate> of = {};
  };
  static Group next_events(Pair& pair);
  Group next_heads(Pair& pair);
  Task<> try_group(PairPtr pair, Which which, Group group);
  Task<> convict(PairPtr pair, Which which, Candidate one);
  void leave_out(const Candidate& one);
  Task<bool> begin_group(PairPtr pair, Which which, std::size_t count, log::Offset first);
  void survived(Pair& pair, Which which, std::uint64_t name);
  Task<bool> commit_until_durable(PairPtr pair, Which which);

  // reading_ahead.cpp
  void proceed(const PairPtr& pair, Queued&& queued);
  Task<> read_ahead(PairPtr pair);
  // The event is a copy: dropping the pair empties the queue that it stands in.
  Task<bool> tell_reading(PairPtr pair, event::Event event);
  Task<Result<void>> read_once(const event::Event& event);

  // opening.cpp
  Task<> open(PairPtr pair);

  // life.cpp
  void start_life(const PairPtr& pair, Lane& lane);
  Task<> live(PairPtr pair, Lane& lane);
  // None: it did not run, because the pair admitted nothing any more when its turn came.
  Task<std::optional<Outcome>> run_handler(PairPtr pair, const event::Event& event, Lane* lane, std::uint32_t tries,
                                           bool woken);
  void harmless(Pair& pair, Which which);
  Task<bool> act(PairPtr pair, Lane& lane, Outcome outcome);
  Task<bool> pause_in_lane(PairPtr pair, Lane& lane, Failure why, std::optional<std::chrono::milliseconds> asked);
  Task<bool> wait_for(PairPtr pair, Lane& lane, std::string_view dependency);
  void park(const PairPtr& pair, Lane& lane, std::string why, Duration pause, bool dependency_open = false);
  void join_parked(const PairPtr& pair, Lane& lane);
  void pop(Pair& pair, Lane& lane, std::size_t count);

  // settling.cpp: a final outcome as what is to be made durable.
  struct Settled {
    Finish finish;
    std::size_t covers_behind = 0;
    std::optional<Held> holds = {};  // the followers wait from now on
  };
  Settled settle(Outcome& outcome, const event::Event& event, Which which, std::uint32_t tries);
  Task<bool> add_letter(PairPtr pair, Settled& settled, Never never, const event::Event& event, log::Offset offset,
                        std::uint32_t tries);  // false: the pair is no longer ours

  // parked.cpp
  void arm_parked();
  void start_due();
  Task<> live_parked(PairPtr pair, LaneId lane);
  Task<std::optional<log::Record>> fetch(PairPtr pair, Which which, log::Offset offset);
  Task<std::optional<Head>> head_of(PairPtr pair, LaneId lane, const event::Event& event);
  Task<bool> act_parked(PairPtr pair, log::Offset offset, const event::Event& event, Head head, Outcome outcome);
  Task<bool> keep_row(PairPtr pair, Head head);
  db::Statement row_of(const Pair& pair, const Head& head) const;

  // aging.cpp
  Task<> watch_ages();
  [[nodiscard]] Duration age_of(const log::Record& record) const;
  [[nodiscard]] bool expires(const log::Record& record) const;
  Task<Duration> oldest_age(PairPtr pair, Which which);
  Task<> rouse_expiring(PairPtr pair);
  void rouse(Pair& pair, LaneId lane);
  static Outcome expired();

  // sharing.cpp
  void count_in(Pair& pair, const Queued& queued);
  void count_out(Pair& pair, const Queued& queued);
  [[nodiscard]] bool crowds(const Pair& pair, const event::Tenant& tenant) const;
  [[nodiscard]] bool is_too_long(const Pair& pair, const Lane& lane) const;
  void tell_too_long(const Pair& pair, const Lane& lane);
  void crowd_out(const PairPtr& pair, Lane& lane);

  // waiting.cpp
  struct Waits {  // for one dependency on behalf of one tenant
    std::vector<LaneId> lanes;
    Instant look{};  // then one of them may try
  };
  Instant wait_parked(LaneId lane, std::string_view dependency, const event::Tenant& tenant);
  void arm_waits();
  void look_at_waits();
  bool look_now(LaneId lane);

  // holding.cpp
  Task<> load_held(PairPtr pair);
  Task<> look_for_hold(PairPtr pair, LaneId lane);
  void take_hold(Pair& pair, const store::HeldLane& row);
  void complete_dead_head(Pair& pair, LaneId lane, const Held& held);
  void hold(Pair& pair, LaneId lane, Held held);
  static std::uint64_t hold_of(const Pair& pair, LaneId lane);  // 0: none
  void let_go(Pair& pair, LaneId lane, std::uint64_t hold);
  Task<> look_for_released();
  void hold_followers(const PairPtr& pair, Lane& lane, Held held);
  [[nodiscard]] bool is_held_head(const Pair& pair, LaneId lane, const event::Event& event) const;

  // moving.cpp
  void move(const PairPtr& pair, Move item);
  Task<> move_all(PairPtr pair);
  void arrived(Pair& pair, LaneId lane, ShortId id);

  // finishing.cpp
  Task<Finished> finish(PairPtr pair, Finish what);
  bool finish_at_once(Pair& pair, Finish& what);  // false: something of it has to be made durable first
  Task<> flush(PairPtr pair);
  Task<bool> append_until_durable(PairPtr pair, const std::vector<log::Outgoing>& records);
  Task<Finished> run_changes(PairPtr pair, const db::Batch& changes);
  void is_durable(Finish& what);
  void complete(Pair& pair, Which which, std::span<const log::Offset> offsets);
  log::Outgoing outgoing(const Output& output) const;

  // committing.cpp
  void commit_soon();
  Task<> commit_all();
  std::optional<log::Commit> commit_of(Pair& pair, Which which, bool open = true,
                                       std::span<const log::Offset> also = {});
  Task<> commit_pair(PairPtr pair);

  // leaving.cpp
  Task<> hand_over(std::vector<PairPtr> leaving, std::vector<log::Partition> partitions, Instant deadline);
  Task<> drain();
  void drop(PairPtr pair);

  // firing.cpp
  Task<> fire_schedule();
  Task<Result<Duration>> fire_due();

  // journaling.cpp
  [[nodiscard]] store::JournalEntry entry_of(const event::Event& event, std::string_view what, std::uint32_t attempt,
                                             std::string_view detail) const;
  void note(const event::Event& event, std::string_view what, std::uint32_t attempt, std::string_view detail = {});
  void note_arrival(const PairPtr& pair, LaneId lane, ShortId event);
  void tell_end(Finish& finish, const Outcome& outcome, const event::Event& event, std::uint32_t tries);
  void tell_journal(std::vector<store::JournalEntry> entries);
  void tell_arrivals();
  void journal_soon();
  Task<> write_journal();

  // pausing.cpp
  Task<> keep_pauses();
  Task<> await_pauses(PairPtr pair);
  Task<> store_pause(event::Tenant tenant, std::optional<store::Pause> pause);
  void wake_tenant(const std::string& tenant);
  void lift(const event::Tenant& tenant, std::string_view by);
  bool holds_letter(const event::Event& event, const Never& never);
  void probe_tenants();
  void ended_well(const event::Event& event);
  Task<bool> passes_pauses(PairPtr pair, Lane& lane);
  [[nodiscard]] bool must_sleep(LaneId lane, const event::Tenant& tenant);
  Task<> put_to_sleep(PairPtr pair, Head head, event::Tenant tenant);

  // watching.cpp
  Task<> watch();
  void look_at_handlers();
  void look_at_watermarks();
  Task<> measure_lag();
  [[nodiscard]] EngineFigures current_figures() const;
  [[nodiscard]] EngineHealth health() const;

  // burying.cpp
  Task<> bury_unreadable(PairPtr pair, Which which, log::Record record, Failure why);

  // False: the pair is no longer ours.
  Task<bool> storage_pause(std::uint32_t failures, const Pair& pair, const Failure& why);
  [[nodiscard]] bool atomic() const { return parts.log.capabilities().atomic; }
  static Admission& admission(Pair& pair, Which which) {
    return which == Which::main ? pair.main_admission : pair.retry_admission;
  }
  [[nodiscard]] Solitude::Who runner(LaneId lane) const { return {this, lane}; }
  Side& side(Pair& pair, Which which) { return which == Which::main ? *pair.main : *pair.retry; }

  const PoolSpec spec;
  Handler& handler;
  EngineParts parts;
  const EngineLimits limits;
  const event::PoolTopics topics;
  const std::string group;

  std::unique_ptr<log::Consumer> consumer;
  std::map<std::int32_t, PairPtr> pairs;
  ParkedIndex index;
  FairTurns turns;  // handlers at the same time
  Solitude own_solitude;
  Solitude& solitude;  // the process's, else our own
  Scope work;          // every coroutine of this engine
  Timer parked_timer;
  Timer commit_timer;
  Timer journal_timer;
  Journaling journaling;
  bool journal_writing = false;
  std::uint32_t journal_failures = 0;  // in a row
  Signal journal_written;
  Pausing pausing;
  Signal pauses_changed;
  DeadRate dead_rate;
  Timer probe_timer;
  Timer waits_timer;
  std::map<std::pair<std::string, event::Tenant>, Waits> waits;
  bool committing = false;
  std::size_t completions = 0;  // since the last commit
  bool stopping = false;
  bool drained = false;
  Signal dependency_changed;
  std::shared_ptr<void> hears_dependencies;
  Signal schedule_changed;  // a row was added, or the engine stops
  std::uint64_t schedule_news = 0;
  Signal nobody;  // is never notified
  bool looks_for_released = false;
  bool released_news = false;
  std::uint64_t holds_so_far = 0;
  EngineFigures figures;
  Runs runs;  // handlers at work
  std::optional<EngineMetrics> metrics;
  std::set<event::Tenant> tenants;  // seen since the start
};

}  // namespace sluice::engine
