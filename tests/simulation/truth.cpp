#include "tests/simulation/truth.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "workers/engine/commit_note.hpp"

namespace sluice::simulation {

event::Event output_of(const event::Event& event, std::uint64_t run) {
  return event::child_event(event, {.pool = "classify",
                                    .kind = event::Known::reply_drafted,
                                    .key = event::minted_conversation(std::get<event::InboundKey>(event.key)),
                                    .time = event.time,
                                    .data = event::Json::Object{{"run", std::to_string(run)}}});
}

Truth::Truth(SimulatedWorld& world, const Plan& plan, log::SimulatedBroker& broker, db::SimulatedStore& store)
    : world_(world), plan_(plan), broker_(broker), store_(store) {
  const auto count = plan.events.size();
  told_.resize(count);
  places_.resize(count);
  letters_.resize(count);
  convicted_.resize(count);
  held_by_.resize(static_cast<std::size_t>(plan.conversations));
  outputs_.resize(count);
  row_seen_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& planned = plan.events[i];
    unfinished_.push_back(static_cast<int>(i));
    if (planned.behaviour == Behaviour::unreadable) {
      by_id_.emplace(planned.name, static_cast<int>(i));
      continue;
    }
    by_id_.emplace(planned.event.id.text(), static_cast<int>(i));
    by_child_.emplace(output_of(planned.event, 0).id.text(), static_cast<int>(i));
  }
}

void Truth::broken(std::string sentence) {
  if (broken_) return;
  note("BROKEN: " + sentence);
  broken_ = std::move(sentence);
}

void Truth::note(const std::string& line) {
  broker_.network().step(nullptr, line);
}

Run Truth::begins(int event, int incarnation, log::Epoch epoch, std::uint32_t tries_before) {
  latest_wall_ = std::max(latest_wall_, world_.clock.wall());
  Told& told = of(event);
  ++told.runs;
  const Run run{event, ++run_numbers_, incarnation, epoch};
  note(fmt::format("run {} of {} ({}) begins under {} after {} tries", run.number, name(event),
                   name_of(planned(event).behaviour), epoch, tries_before));
  if (lost_.contains(epoch))
    broken(fmt::format("an orphan begins nothing: {} begins under {}, which was lost", name(event), epoch));
  if (tries_before > told.failures)
    broken(fmt::format("attempts are counted only for failures: {} is said to have had {} tries but failed {} times",
                       name(event), tries_before, told.failures));
  const bool nothing_is_forgotten = plan_.calm && plan_.stop_every == Duration{};  // tries in the lane live in memory
  if (nothing_is_forgotten && tries_before != told.failures)
    broken(fmt::format("every failed try counts: {} is said to have had {} tries but failed {} times", name(event),
                       tries_before, told.failures));
  auto& running = running_[{planned(event).conversation, epoch}];
  if (running > 0)
    broken(fmt::format("no two events of a conversation overlap: {} begins while another one of it runs under {}",
                       name(event), epoch));
  ++running;
  must_be_its_turn(event, "begins");
  const auto& held_by = held_by_[index(planned(event).conversation)];
  if (held_by && event > *held_by && owns(epoch, event))
    broken(fmt::format("followers of a dead letter wait for an operator: {} begins after the letter of {}", name(event),
                       name(*held_by)));
  return run;
}

// Else its process has not heard yet that the partition has gone.
bool Truth::owns(log::Epoch epoch, int event) const {
  const auto& places = places_[index(event)];
  const auto main = std::ranges::find(places, Side::main, &Place::side);
  if (main == places.end()) return false;
  return broker_.coordinator()
      .check({.partition = log::Partition{topics.main, main->number}, .epoch = epoch})
      .has_value();
}

void Truth::ends(const Run& run, const engine::Outcome* outcome, std::span<const int> behind, bool is_orphan) {
  is_orphan = is_orphan || lost_.contains(run.epoch);
  --running_[{planned(run.event).conversation, run.epoch}];
  Told& told = of(run.event);
  if (is_orphan) orphan_runs_.insert(run.number);
  const bool failed = outcome == nullptr || std::holds_alternative<engine::Later>(*outcome);
  note(fmt::format("run {} of {} ends{}: {}", run.number, name(run.event), is_orphan ? " as an orphan" : "",
                   outcome == nullptr ? "thrown or cancelled" : fmt::format("outcome {}", outcome->index())));
  if (failed) ++told.failures;
  if (failed || std::holds_alternative<engine::Waiting>(*outcome)) return;
  must_be_its_turn(run.event, "ends");
  ++told.ends;
  if (!told.first_end) told.first_end = world_.clock.now();
  if (std::holds_alternative<engine::At>(*outcome)) told.left_for_schedule = true;
  if (std::holds_alternative<engine::Merged>(*outcome)) told.merged = true;
  if (std::holds_alternative<engine::Suppressed>(*outcome)) told.suppressed = true;
  const auto* done = std::get_if<engine::Done>(outcome);
  if (done == nullptr) return;
  told.done = true;
  for (std::size_t i = 0; i < done->covers_behind && i < behind.size(); ++i) {
    Told& covered = of(behind[i]);
    covered.covered_by.push_back(run.event);
    if (!covered.first_end) covered.first_end = world_.clock.now();
  }
}

// What stands before it in its conversation has ended, or has left for the schedule.
void Truth::must_be_its_turn(int event, const char* does) {
  read_log();
  const auto first_place = [this](int one) -> std::optional<log::Offset> {
    std::optional<log::Offset> first;
    for (const auto& place : places_[index(one)])
      if (place.side == Side::main && (!first || place.offset < *first)) first = place.offset;
    return first;
  };
  const auto its = first_place(event);
  for (const int other : plan_.conversation[static_cast<std::size_t>(planned(event).conversation)]) {
    if (other == event || of(other).first_end || letters_[index(other)] > 0) continue;
    const auto behaviour = planned(other).behaviour;
    if (behaviour == Behaviour::unreadable || behaviour == Behaviour::damaged) continue;
    const auto place = first_place(other);
    if (!place || !its || *place > *its) continue;
    note_places(planned(event).conversation);
    return broken(fmt::format("the order of a conversation is kept: {} {} before {}, which stands before it, has ended",
                              name(event), does, name(other)));
  }
}

void Truth::was_accepted(int event) {
  note(fmt::format("the provider accepts {}", name(event)));
  must_be_its_turn(event, "is accepted by the provider");
}

void Truth::loses(log::Epoch epoch) {
  lost_.insert(epoch);
}

void Truth::schedules(int event, WallTime due) {
  of(event).due = due;
}

void Truth::fires(int event) {
  const auto& due = of(event).due;
  latest_wall_ = std::max(latest_wall_, world_.clock.wall());
  note(fmt::format("{} fires", name(event)));
  if (!of(event).fired_at) of(event).fired_at = world_.clock.now();
  if (!due) return broken(fmt::format("only what was scheduled fires: {} was not", name(event)));
  if (latest_wall_ < *due) broken(fmt::format("nothing fires early: {} does", name(event)));
}

bool Truth::has_row(int event) {
  if (row_seen_[index(event)]) return true;
  auto rows = store_.read_now({"SELECT event FROM sim_ends WHERE event = $1", {std::int64_t{event}}});
  row_seen_[index(event)] = rows.has_value() && !rows->empty();
  return row_seen_[index(event)];
}

bool Truth::is_scheduled(int event) {
  if (!of(event).left_for_schedule) return false;
  if (store_.rows_written() != scheduled_as_of_) {
    scheduled_as_of_ = store_.rows_written();
    scheduled_.clear();
    const auto rows = store_.read_now({"SELECT event FROM schedule WHERE state IN ('pending', 'claimed')", {}});
    for (std::size_t row = 0; rows && row < rows->size(); ++row) scheduled_.insert(rows->text(row, 0));
  }
  return scheduled_.contains(planned(event).event.id.text());
}

bool Truth::artefacts_are_there(int event) {
  const auto behaviour = planned(event).behaviour;
  if (behaviour == Behaviour::with_output || behaviour == Behaviour::suppressed) return outputs_[index(event)] > 0;
  if (behaviour == Behaviour::with_change) return has_row(event);
  return true;
}

bool Truth::finished(int event) {
  if (letters_[index(event)] > 0 && (planned(event).can_never_work() || convicted_[index(event)])) return true;
  const Told& told = of(event);
  if (told.merged) return true;
  if ((told.done || told.suppressed) && artefacts_are_there(event)) return true;
  return std::any_of(told.covered_by.begin(), told.covered_by.end(), [this](int coverer) { return finished(coverer); });
}

}  // namespace sluice::simulation
