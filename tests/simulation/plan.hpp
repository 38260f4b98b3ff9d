// What a seed draws before anything runs: the events of a seed, how each of them behaves, and what goes wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/timer.hpp"
#include "common/db/simulated_database.hpp"
#include "common/event/event.hpp"
#include "common/log/simulated_faults.hpp"
#include "workers/engine/handler.hpp"
#include "workers/engine/limits.hpp"

namespace sluice::simulation {

// How an event's handler behaves. It depends on the event and the seed alone, so a redelivery meets the same.
enum class Behaviour : std::uint8_t {
  at_once,      // done without a trace
  with_output,  // done with an event for another pool
  with_change,  // done with a row, which must not be there yet
  slow,         // done after a while
  later,        // fails `times` times, then works
  throws,       // the same with an exception
  hangs,        // the same by never coming back
  never,        // a dead letter
  scheduled,    // leaves for the schedule, is done when its time has come
  model,        // calls a service that may be sick for the tenant
  effect,       // is sent through the ledger, once
  merges,       // ends with Merged when something stands behind it
  covers,       // ends with a Done that covers what stands behind it
  suppressed,   // decided against, with an output
  unreadable,   // not an event at all
  damaged,      // an event whose bytes were damaged in the log
  kills,        // the process dies `times` times while it runs, then works
};
std::string_view name_of(Behaviour behaviour);

struct PlannedEvent {
  event::Event event;  // of an unreadable one only a stand-in
  std::string name;    // "t0.c3.5": tenant, conversation, number
  int tenant = 0;
  int conversation = 0;
  Behaviour behaviour = Behaviour::at_once;
  std::uint32_t times = 0;  // it fails first
  Duration pause{};
  Duration asked_wait{};  // zero: none

  static constexpr std::uint32_t always = 1'000'000;  // times
  [[nodiscard]] bool can_never_work() const;          // it has to become a dead letter
};

enum class Sickness : std::uint8_t { down, slow, refuses };

// A service is sick for one tenant, or for all of them, for a while.
struct Illness {
  std::optional<int> tenant;
  Sickness kind = Sickness::down;
  Duration from{};
  Duration until{};
};

struct Plan {
  explicit Plan(std::uint64_t seed);

  std::uint64_t seed;
  bool atomic;        // the log has one transaction for everything
  bool calm = false;  // nothing goes wrong but a dependency of tenant 0
  std::int32_t partitions = 1;
  int processes = 1;
  int tenants = 1;
  int conversations = 1;
  std::vector<PlannedEvent> events;            // in the order in which they are sent, per conversation
  std::vector<std::vector<int>> conversation;  // the numbers of its events, in order
  engine::EngineLimits limits;
  engine::Followers followers = engine::Followers::go_on;
  log::FaultRates log_faults;
  db::SimulatedFaults database_faults;
  Duration crash_every{};      // of each process, at any step; zero: never
  Duration stop_every{};       // as a deploy does it
  Duration wall_jump_every{};  // of up to an hour, either way
  Duration cut_every{};        // of the way to the database
  Duration break_every{};      // of the consumer of some process: it has to subscribe anew
  Duration wake_every{};       // of some conversation, from outside
  double provider_refuses = 0;
  double provider_loses_answer = 0;
  Duration provider_lag_max{};  // until what it accepted can be found there
  bool eager_group = false;
  std::vector<Illness> illnesses;

  static constexpr Duration writing_time = std::chrono::seconds{30};
  static constexpr Duration disturbed_time = std::chrono::seconds{45};
};

}  // namespace sluice::simulation
