// One engine runs one pool in one process: it reads the pool's topics, keeps every conversation in order, runs the
// handler, and acts on what it answers. workers/engine/README.md explains it in one page.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/database.hpp"
#include "common/log/log.hpp"
#include "common/telemetry/logger.hpp"
#include "common/telemetry/metrics.hpp"
#include "workers/engine/handler.hpp"
#include "workers/engine/limits.hpp"
#include "workers/engine/parked_index.hpp"

namespace sluice::engine {

struct PoolSpec {
  std::string name;               // "classify"
  std::string prefix = "sluice";  // of topics and groups
  Followers followers = Followers::go_on;
  std::int32_t partitions = 32;
  bool ends_roots = true;  // what ends here ends its root event; false for a pool beside the message (crm)
};

struct EngineParts {
  Loop& loop;
  Clock& clock;
  Random& random;
  log::Log& log;
  db::Database& database;
  Logger& logger;
  class Dependencies* dependencies = nullptr;  // none: the pool has none
  Metrics* metrics = nullptr;                  // none: nobody looks
  std::string owner = {};                      // this process and incarnation, for ledger and dead letters
  class Solitude* solitude = nullptr;          // of the process, where it has several engines
};

struct ParkedLane {
  LaneId lane = 0;
  std::int32_t partition = 0;
  std::size_t behind = 0;  // the head; of a held one: all that wait
  bool held = false;       // until released; else it is tried again by itself, and its row says since when and why
  std::optional<WallTime> since = {};
  std::string why = {};
};

// What came of a run, in the order of Outcome; the last one threw or was not over at its deadline.
constexpr std::array<std::string_view, 8> outcome_words{"done",   "later",      "scheduled", "waiting",
                                                        "merged", "suppressed", "dead",      "failed"};

struct EngineFigures {
  std::size_t running = 0;
  std::size_t lanes = 0;    // with something in memory
  std::size_t records = 0;  // in memory
  std::size_t bytes = 0;
  std::size_t parked_lanes = 0;
  std::size_t parked_events = 0;
  std::size_t pairs = 0;       // assigned
  std::uint64_t finished = 0;  // events, since the start
  std::uint64_t dead = 0;
  std::array<std::uint64_t, outcome_words.size()> tries{};
  std::size_t handlers_late = 0;         // past their deadline now,
  std::uint64_t handlers_late_ever = 0;  // and since the start
  std::size_t watermarks_still = 0;      // partitions that have not moved for too long
  Duration watermark_age{};              // of the slowest one with something unfinished
  double note_share = 0;                 // of the fullest commit note
  Duration oldest_age{};                 // of what is not done, where the log removes by age
  log::Offset lag = 0;  // main records that are not done, all partitions of ours together, as last seen
  std::uint64_t loop_standstills = 0;
  std::uint64_t long_lanes = 0;        // conversations that went through retry because of their length
  std::size_t pauses = 0;              // that concern this pool
  std::uint64_t breakers_tripped = 0;  // on the rate of dead letters
  std::uint64_t journal_dropped = 0;   // entries that could not be written in time
};

// Whether the watchdogs are quiet. What is away outside never counts.
struct EngineHealth {
  bool fit = true;
  std::string detail = {};
};

struct EngineCore;

class Engine {
 public:
  Engine(PoolSpec spec, Handler& handler, EngineParts parts, EngineLimits limits = {});
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // Joins the pool's group and works until stop() has drained it; subscribes anew when the consumer breaks. An
  // exception of the engine's own comes out of here; one of a handler is a failed try.
  Task<> run();

  // Stops admitting, lets what runs finish within drain_max, commits, leaves the group. run() returns then. Idempotent.
  void stop();

  // Wakes a conversation from outside: a waiting or parked head runs again at once and may find that it became void.
  void wake(const event::ConversationKey& key);

  // An operator says that a tenant which the rate of dead letters has paused goes on in this pool.
  void lift(const event::Tenant& tenant);

  // Lets the followers of a dead letter go on, in whichever process they stand. False: nothing was held.
  Task<Result<bool>> release(event::EventKey key);

  [[nodiscard]] EngineFigures figures() const;
  [[nodiscard]] EngineHealth health() const;
  [[nodiscard]] std::vector<ParkedLane> parked() const;

 private:
  std::unique_ptr<EngineCore> core_;
};

}  // namespace sluice::engine
