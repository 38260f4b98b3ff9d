// One seed: processes of one pool in simulated time, everything that befalls them, and the oracles.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/scope.hpp"
#include "common/async/signal.hpp"
#include "common/db/simulated_database.hpp"
#include "common/log/simulated_log.hpp"
#include "common/telemetry/logger.hpp"
#include "tests/simulation/outside.hpp"
#include "tests/simulation/pool.hpp"
#include "tests/simulation/tables.hpp"
#include "tests/simulation/truth.hpp"
#include "tests/simulation/watched_log.hpp"
#include "workers/engine/engine.hpp"

namespace sluice::simulation {

class Simulation {
 public:
  Simulation(std::uint64_t seed, bool with_history);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void run();  // a while with faults, then without until everything has come to an end; then the oracles

  [[nodiscard]] const std::optional<std::string>& what_broke() const { return truth_.what_broke(); }
  [[nodiscard]] const std::string& history() const { return history_; }

  struct Figures {
    std::size_t events = 0;
    std::size_t runs = 0;
    std::size_t crashes = 0;
    std::size_t stops = 0;
    std::size_t orphans = 0;
    std::size_t parked = 0;
    std::size_t killed = 0;  // by an event
    std::size_t held = 0;    // conversations, behind a dead letter
    std::size_t trips = 0;   // of the breaker on the rate of dead letters
  };
  [[nodiscard]] Figures figures();

 private:
  struct Process {
    explicit Process(Loop& loop) : scope(loop) {}
    void remove_parts();  // of its last life, users before what they use

    std::string name;
    int incarnation = 0;
    std::shared_ptr<Access> access;
    std::unique_ptr<log::SimulatedLog> log;
    std::unique_ptr<WatchedLog> watched;
    std::unique_ptr<db::SimulatedDatabase> database;
    std::unique_ptr<engine::Dependencies> dependencies;
    std::unique_ptr<SimulatedPool> pool;
    std::unique_ptr<engine::Engine> engine;
    Scope scope;
    Signal changed;
    bool running = false;  // its engine has not returned
    bool dead = false;
    bool stops = false;
    bool closed = false;                          // after a stop
    std::uint64_t dies_at = 0;                    // step of the loop; 0: not planned
    std::optional<std::uint64_t> killed_at = {};  // the same, by an event
  };

  Task<> story();
  Task<> keep(Process& process);
  void start(Process& process);
  Task<> run_engine(Process& process);
  Task<> end_dead(Process& process);
  Task<> end_stopped(Process& process);
  Task<> close(Process& process);
  void remove(Process& process);
  void die(Process& process, log::AfterCrash after);
  void step();  // of the loop

  // disturbing.cpp
  Task<> write(int conversation);
  Task<> append_until_acknowledged(int event);
  Task<> crash_now_and_then(Process& process);
  Task<> stop_now_and_then(Process& process);
  Task<> jump_now_and_then();
  Task<> cut_now_and_then();
  Task<> break_now_and_then();
  Task<> wake_now_and_then();
  Task<> release_now_and_then();
  void release(int conversation);
  void operator_visits();  // releases and lifts everything

  // oracles.cpp
  Task<bool> until_converged();
  [[nodiscard]] std::int64_t count(db::Statement statement);
  void check();
  void every_event_ends_once();
  void no_effect_is_accepted_twice();
  void durable_effects_are_in_order();
  void orphans_complete_nothing();
  void nobody_waits_for_a_sick_tenant();
  void nothing_is_late_or_repeated_in_calm();
  Task<> nothing_stays_counted();

  Plan plan_;
  SimulatedWorld world_;
  Tables tables_;
  db::SimulatedStore& store_ = tables_.store();
  log::SimulatedBroker broker_;
  std::string history_;
  Logger logger_;
  Truth truth_;
  Outside outside_;
  std::unique_ptr<log::SimulatedLog> writer_;
  std::vector<std::unique_ptr<Process>> processes_;
  Scope keepers_{world_.loop};
  Scope trouble_{world_.loop};
  Scope writers_{world_.loop};
  Instant wall_began_ = world_.clock.now();  // what the wall clock said at a moment, as long as it did not jump
  WallTime wall_at_begin_ = world_.clock.wall();
  bool disturbed_ = true;
  bool ends_ = false;  // processes that stop stay away
  std::uint64_t steps_ = 0;
  Figures figures_;
};

}  // namespace sluice::simulation
