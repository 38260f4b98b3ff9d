// What must hold after a seed. What must hold at each moment stands where it happens: truth.cpp and truth_log.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "tests/simulation/simulation.hpp"

namespace sluice::simulation {
namespace {
using namespace std::chrono_literals;
}

std::int64_t Simulation::count(db::Statement statement) {
  const auto rows = store_.read_now(statement);
  ENSURE(rows.has_value(), "an oracle's question is good SQL");
  return rows->integer(0, 0);
}

// Everything finished, committed and gone from schedule and parked rows, in bounded simulated time: a clock that was
// set back by an hour keeps what is due for that long.
Task<bool> Simulation::until_converged() {
  const Instant limit = world_.clock.now() + 6h;
  for (int seconds = 0; world_.clock.now() < limit; ++seconds) {
    if (seconds % 60 == 59) operator_visits();
    truth_.look_at_commits();
    if (what_broke()) co_return true;
    bool all = truth_.all_committed();
    for (std::size_t i = 0; all && i < plan_.events.size(); ++i) all = truth_.finished(static_cast<int>(i));
    all = all && count({"SELECT count(*) FROM schedule WHERE state IN ('pending', 'claimed')", {}}) == 0;
    if (all) co_return true;
    co_await world_.clock.sleep_for(1s);
  }
  for (std::size_t i = 0; i < plan_.events.size(); ++i) {
    if (truth_.finished(static_cast<int>(i))) continue;
    truth_.note(fmt::format("not finished: {} ({})", plan_.events[i].name, name_of(plan_.events[i].behaviour)));
  }
  if (!truth_.all_committed()) truth_.note("not everything is committed");
  co_return false;
}

void Simulation::check() {
  every_event_ends_once();
  no_effect_is_accepted_twice();
  durable_effects_are_in_order();
  orphans_complete_nothing();
  if (!plan_.calm) return;
  nobody_waits_for_a_sick_tenant();
  nothing_is_late_or_repeated_in_calm();
}

// The identity: what was acknowledged is done, suppressed, merged or a dead letter, and only one of them; what was
// scheduled came back and was done.
void Simulation::every_event_ends_once() {
  for (std::size_t i = 0; i < plan_.events.size(); ++i) {
    const int event = static_cast<int>(i);
    const Told& told = truth_.of(event);
    const PlannedEvent& planned = plan_.events[i];
    if (!told.acknowledged) truth_.broken(fmt::format("every event gets into the log: {} did not", truth_.name(event)));
    if (!truth_.is_in_log(event))
      truth_.broken(fmt::format("what was acknowledged is in the log: {} is not", truth_.name(event)));
    if (!truth_.finished(event))
      truth_.broken(
          fmt::format("no event is lost: {} ({}) ended nowhere", truth_.name(event), name_of(planned.behaviour)));
    const bool covered = told.merged || !told.covered_by.empty();
    if (planned.can_never_work() && truth_.letters(event) == 0 && !covered)
      truth_.broken(fmt::format("what can never work is a dead letter: {} is none", truth_.name(event)));
    if (told.done && told.suppressed)
      truth_.broken(fmt::format("an event ends in one way: {} ended in two", truth_.name(event)));
  }
}

// Without exception: what is unknown is never sent again. And the ledger knows what was accepted.
void Simulation::no_effect_is_accepted_twice() {
  for (const auto& [event, times] : outside_.accepted) {
    if (times > 1)
      truth_.broken(fmt::format("no effect is accepted twice: that of {} was, {} times", truth_.name(event), times));
  }
  const auto open = count({"SELECT count(*) FROM effects WHERE state IN ('planned', 'attempting')", {}});
  std::size_t covered = 0;  // the effect of a covered event may never be tried
  for (std::size_t i = 0; i < plan_.events.size(); ++i) covered += truth_.of(static_cast<int>(i)).covered_by.size();
  if (open > 0 && covered == 0) truth_.broken(fmt::format("effects end: {} are open", open));
  for (std::size_t i = 0; i < plan_.events.size(); ++i) {
    const int event = static_cast<int>(i);
    if (plan_.events[i].behaviour != Behaviour::effect || !truth_.of(event).done) continue;
    if (!truth_.of(event).given_up && !outside_.accepted.contains(event))
      truth_.broken(fmt::format("what is sent was accepted: the effect of {} was not", truth_.name(event)));
  }
}

// Outputs in their topic and rows in their table stand in the order of the events of each conversation.
void Simulation::durable_effects_are_in_order() {
  const auto must_rise = [&](const std::vector<int>& events, const char* what) {
    std::vector<int> last(static_cast<std::size_t>(plan_.conversations), -1);
    for (const int event : events) {
      if (!truth_.of(event).covered_by.empty() || truth_.of(event).merged) continue;  // a later run may not be covered
      int& before = last[static_cast<std::size_t>(truth_.planned(event).conversation)];
      if (event < before)
        truth_.broken(fmt::format("effects are in the order of events: the {} of {} came before that of {}", what,
                                  truth_.name(before), truth_.name(event)));
      before = event;
    }
  };
  must_rise(truth_.outputs(), "output");
  const auto rows = store_.read_now({"SELECT event FROM sim_ends ORDER BY place", {}});
  std::vector<int> events;
  for (std::size_t row = 0; row < rows->size(); ++row) events.push_back(static_cast<int>(rows->integer(row, 0)));
  must_rise(events, "row");
}

void Simulation::orphans_complete_nothing() {
  figures_.orphans = truth_.orphan_runs().size();
  const auto rows = store_.read_now({"SELECT event, run FROM sim_ends", {}});
  for (std::size_t row = 0; row < rows->size(); ++row) {
    const auto run = static_cast<std::uint64_t>(rows->integer(row, 1));
    if (truth_.orphan_runs().contains(run))
      truth_.broken(fmt::format("an orphan completes nothing: the row of {} is of run {}, which ended as one",
                                truth_.name(static_cast<int>(rows->integer(row, 0))), run));
  }
}

// In a calm seed a service is sick for tenant 0 all the time. A healthy tenant's event needs what its lane needs.
void Simulation::nobody_waits_for_a_sick_tenant() {
  constexpr std::chrono::seconds slack{8};  // a deploy in between, and a place among the calls of the sick one
  for (const auto& conversation : plan_.conversation) {
    Instant free{};
    for (const int event : conversation) {
      const PlannedEvent& planned = truth_.planned(event);
      if (planned.tenant == 0) break;
      const Told& told = truth_.of(event);
      const bool leaves = planned.behaviour == Behaviour::scheduled;
      free = std::max(free, told.acknowledged_at) + (leaves ? Duration{} : planned.pause);
      if (told.first_end && *told.first_end > free + slack)
        truth_.broken(fmt::format("nobody waits for a sick tenant: {} waited {} ms", truth_.name(event),
                                  (*told.first_end - free) / 1ms));
    }
  }
}

// Nothing dies in a calm seed: a stop repeats nothing, and what is due comes within a second.
void Simulation::nothing_is_late_or_repeated_in_calm() {
  for (std::size_t i = 0; i < plan_.events.size(); ++i) {
    const int event = static_cast<int>(i);
    const Told& told = truth_.of(event);
    const std::uint32_t ends_once = told.left_for_schedule ? 2 : 1;
    if (told.ends > ends_once)
      truth_.broken(fmt::format("a stop repeats nothing: {} ended {} times", truth_.name(event), told.ends));
    if (truth_.records_in_retry(event) > 1)
      truth_.broken(fmt::format("a parked event is appended once: {} was more often", truth_.name(event)));
    constexpr std::chrono::seconds late_max{2};
    const bool stopped = plan_.stop_every > Duration{};
    if (told.due && told.fired_at && !stopped && *told.fired_at - wall_began_ > *told.due - wall_at_begin_ + late_max)
      truth_.broken(fmt::format("what is due fires within two seconds: {} did not", truth_.name(event)));
  }
}

// When everything has come to an end, engines hold nothing in memory; bounds that count what is gone pause partitions
// for ever.
Task<> Simulation::nothing_stays_counted() {
  const Instant limit = world_.clock.now() + 30min;  // what thaws late may still bring something into retry
  std::string held;
  do {
    co_await world_.clock.sleep_for(20s);
    operator_visits();
    held.clear();
    for (const auto& process : processes_) {
      if (!process->engine || process->dead) continue;
      const auto left = process->engine->figures();
      if (left.running + left.lanes + left.records + left.bytes + left.parked_events == 0) continue;
      held += fmt::format(": {} holds {} running, {} lanes, {} records, {} bytes and {} parked", process->name,
                          left.running, left.lanes, left.records, left.bytes, left.parked_events);
    }
  } while (!held.empty() && world_.clock.now() < limit);
  if (!held.empty()) truth_.broken("an engine with nothing to do holds nothing" + held);
}

Simulation::Figures Simulation::figures() {
  figures_.events = plan_.events.size();
  figures_.held = truth_.times_held();
  figures_.runs = 0;
  for (std::size_t i = 0; i < plan_.events.size(); ++i) figures_.runs += truth_.of(static_cast<int>(i)).runs;
  return figures_;
}

}  // namespace sluice::simulation
