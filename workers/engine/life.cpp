// The life of a conversation in memory: its head runs, the engine acts on what the handler answered, the next one
// follows.
#include "common/async/deadline.hpp"
#include "workers/engine/attempt.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

void EngineCore::start_life(const PairPtr& pair, Lane& lane) {
  lane.alive = true;
  ++figures.lanes;
  work.start(live(pair, lane));
}

Task<> EngineCore::live(PairPtr pair, Lane& lane) {
  while (!lane.queue.empty() && pair->admits()) {
    if (pausing.find(lane.tenant) != nullptr) {
      const bool passes = co_await passes_pauses(pair, lane);
      if (!passes) break;
    }
    const bool is_replay = is_held_head(*pair, lane.id, lane.queue.front().event);
    if (index.holds(lane.id) && !is_replay) {
      join_parked(pair, lane);
      break;
    }
    if (lane.tries > 0 && solitude.is_alone(runner(lane.id))) {  // it answered, which was progress; now it may kill
      const bool noted = co_await begin_group(pair, Which::main, 1, lane.queue.front().offset);
      if (!noted) break;
    }
    auto outcome =
        co_await run_handler(pair, lane.queue.front().event, &lane, lane.tries, std::exchange(lane.woken, false));
    if (!outcome || !pair->current) break;
    const bool goes_on = co_await act(pair, lane, std::move(*outcome));
    if (!goes_on) break;
    const bool between_events = lane.tries == 0 && !lane.queue.empty() && pair->admits();
    const bool long_lane = between_events && is_too_long(*pair, lane);
    if (!between_events || !(long_lane || crowds(*pair, lane.tenant))) continue;
    if (is_held_head(*pair, lane.id, lane.queue.front().event)) continue;
    if (long_lane) tell_too_long(*pair, lane);
    crowd_out(pair, lane);
  }
  --figures.lanes;
  lane.alive = false;
  for (const auto& queued : lane.queue) {  // left to the next owner
    figures.records -= 1;
    figures.bytes -= queued.bytes;
  }
  const LaneId id = lane.id;
  pair->lanes.erase(id);
  const bool followers_wait = pair->parked.contains(id) && !pair->held.contains(id) && !index.is_due(id);
  if (!followers_wait || !pair->admits()) co_return;
  index.set_due(id, parts.clock.now());  // released while their replayed head ran
  arm_parked();
}

// A handler that throws, or is not over at its deadline, has failed once; what it did outside is unknown, never done.
Task<std::optional<Outcome>> EngineCore::run_handler(PairPtr pair, const event::Event& event, Lane* lane,
                                                     std::uint32_t tries, bool woken) {
  if (event.journey.hops > limits.hops_max) {
    co_return Outcome{Never{.why = {Kind::invalid, fmt::format("more than {} events came of each other: pools answer "
                                                               "each other in a loop",
                                                               limits.hops_max)},
                            .error_class = "loop"}};
  }
  const auto who = runner(lane_of(event.key));
  std::optional<FairTurns::Turn> turn;
  while (!turn) {
    if (solitude.keeps_out(who)) co_await solitude.until_let_in(who);
    if (auto free = turns.take_free(event.tenant)) {
      turn.emplace(std::move(*free));
    } else {
      auto next = co_await turns.acquire(event.tenant);
      turn.emplace(std::move(next));
    }
    if (solitude.keeps_out(who)) turn.reset();
  }
  if (!pair->admits()) co_return std::nullopt;
  const Presence presence{solitude, who};
  ++pair->running;
  ++figures.running;
  RunningAttempt attempt{*this, *pair, lane, event.tenant, tries, woken, parts.clock.now() + limits.handler_max};
  Run run{event, pair->number, attempt.deadline()};
  runs.push_back(run);
  std::optional<Outcome> outcome;
  std::string thrown;
  bool cancelled = false;
  try {
    outcome = co_await within(parts.clock, attempt.deadline(), handler.handle(event, attempt));
  } catch (const boost::system::system_error& error) {
    cancelled = error.code() == boost::asio::error::operation_aborted;
    thrown = error.what();
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "something that is no exception";
  }
  run.unlink();
  --pair->running;
  --figures.running;
  if (!pair->admits()) pair->changed.notify_all();
  if (cancelled) co_return Outcome{Later{{Kind::stopping, "the engine stops"}}};
  ++figures.tries[outcome ? outcome->index() : outcome_words.size() - 1];
  if (outcome) co_return std::move(*outcome);
  const std::string why = thrown.empty() ? "not over at its deadline" : "the handler threw: " + scrubbed(thrown);
  parts.logger.error("a handler failed",
                     {{"pool", spec.name}, {"event", event.id.text()}, {"tenant", event.tenant.text()}, {"why", why}});
  co_return Outcome{Later{{thrown.empty() ? Kind::timed_out : Kind::ours, why}}};
}

// Whatever the handler answered, the process lives. What becomes of the answer may take long, and the assignment may be
// lost several times before it is durable: that is no end of the process either.
void EngineCore::harmless(Pair& pair, Which which) {
  auto& place = side(pair, which);
  if (!place.trial.progress()) return;
  place.trial_changed = true;
  commit_soon();
}

// False: this life ends here (parked, handed over).
Task<bool> EngineCore::act(PairPtr pair, Lane& lane, Outcome outcome) {
  harmless(*pair, Which::main);
  const bool is_replay = is_held_head(*pair, lane.id, lane.queue.front().event);
  if (const auto* later = std::get_if<Later>(&outcome);
      later != nullptr && is_replay && lane.tries + 1 >= limits.retry.lane_tries_max) {
    outcome = Never{later->why, "replayed too early"};  // parked it would stand behind those that have to follow it
  }
  if (auto* later = std::get_if<Later>(&outcome)) {
    const bool goes_on = co_await pause_in_lane(pair, lane, std::move(later->why), later->wait);
    co_return goes_on;
  }
  if (const auto* waiting = std::get_if<Waiting>(&outcome)) {
    // It may wait for days: this event and those behind it did no harm, and an end that comes now is not theirs.
    for (const auto& queued : lane.queue) survived(*pair, Which::main, static_cast<std::uint64_t>(queued.offset));
    const bool goes_on = co_await wait_for(pair, lane, waiting->dependency);
    co_return goes_on;
  }
  const Acting acting{*pair};
  const Queued& head = lane.queue.front();
  if (const auto* never = std::get_if<Never>(&outcome); never != nullptr && holds_letter(head.event, *never)) {
    constexpr std::chrono::milliseconds soon{1};
    park(pair, lane, never->why.sentence, soon);
    co_return false;
  }
  const bool leaves = std::holds_alternative<At>(outcome);
  const ShortId id = short_id(head.event.id);
  if (leaves) pair->scheduling.insert(id);
  auto settled = settle(outcome, head.event, Which::main, lane.tries);
  if (auto* never = std::get_if<Never>(&outcome)) {
    const bool ours = co_await add_letter(pair, settled, std::move(*never), head.event, head.offset, lane.tries);
    if (!ours) co_return false;
  }
  const std::size_t behind = std::min(settled.covers_behind, lane.queue.size() - 1);
  for (std::size_t i = 0; i <= behind; ++i) {
    settled.finish.offsets.push_back(lane.queue[i].offset);
    if (i > 0 && journaling.on()) {
      settled.finish.journal.push_back(
          entry_of(lane.queue[i].event, "done", 1, "with " + lane.queue.front().event.id.text()));
    }
  }
  Finished finished = Finished::durable;
  if (!finish_at_once(*pair, settled.finish)) finished = co_await finish(pair, std::move(settled.finish));
  if (finished != Finished::overtaken) pair->scheduling.erase(id);  // its row may have been written all the same
  if (finished == Finished::orphaned) co_return false;
  if (finished == Finished::durable) pop(*pair, lane, behind + 1);
  if (finished != Finished::durable || !settled.holds) co_return true;
  hold_followers(pair, lane, std::move(*settled.holds));
  co_return false;
}

void EngineCore::pop(Pair& pair, Lane& lane, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    count_out(pair, lane.queue.front());
    lane.queue.pop_front();
  }
  lane.tries = 0;
  lane.told_waiting = false;
  lane.first_try.reset();
  watch_bounds(pair);
}

Task<bool> EngineCore::pause_in_lane(PairPtr pair, Lane& lane, Failure why,
                                     std::optional<std::chrono::milliseconds> asked) {
  ++lane.tries;
  if (!asked) asked = why.wait;
  if (!lane.first_try) lane.first_try = parts.clock.now();
  const auto pause = lane_pause(limits.retry, lane.tries, parts.clock.now() - *lane.first_try, asked, parts.random);
  if (!pause) {
    park(pair, lane, std::move(why.sentence), parked_pause(limits.retry, 0, asked, parts.random));
    co_return false;
  }
  note(lane.queue.front().event, "later", lane.tries, fmt::format("{}: {}", name_of(why.kind), said(why.sentence)));
  const Instant due = parts.clock.now() + *pause;
  while (pair->admits() && !lane.woken && parts.clock.now() < due) {
    [[maybe_unused]] const bool woke = co_await within(parts.clock, due, lane.changed.wait());
  }
  co_return true;
}

// No try is counted. Sick for everybody: the lane waits here, and the partition fills up and pauses. Sick for this
// tenant: its conversation is parked, so that others get the room.
Task<bool> EngineCore::wait_for(PairPtr pair, Lane& lane, std::string_view dependency) {
  constexpr std::chrono::milliseconds look_again{1'000};
  const Openness openness =
      parts.dependencies == nullptr ? Openness::closed : parts.dependencies->openness(dependency, lane.tenant);
  const bool is_replay = is_held_head(*pair, lane.id, lane.queue.front().event);
  if (openness == Openness::open_for_tenant && !is_replay) {
    park(pair, lane, fmt::format("waiting for {}", dependency), look_again, true);
    co_return false;
  }
  if (!std::exchange(lane.told_waiting, true)) note(lane.queue.front().event, "waiting", lane.tries, dependency);
  const Instant due = parts.clock.now() + look_again;
  ++pair->waiting;
  [[maybe_unused]] const bool changed = co_await within(parts.clock, due, dependency_changed.wait());
  --pair->waiting;
  co_return true;
}

// An owner before this one parked the conversation, and what it sent into retry came after the retry partition had been
// read to its end. The conversation is parked, so what is left of it here goes behind.
void EngineCore::join_parked(const PairPtr& pair, Lane& lane) {
  for (auto& queued : std::exchange(lane.queue, {})) {
    if (!index.holds(lane.id, short_id(queued.event.id))) {
      move(pair, Move{std::move(queued), lane.id});
      continue;
    }
    count_out(*pair, queued);
    complete(*pair, Which::main, {&queued.offset, 1});
  }
  watch_bounds(*pair);
}

void EngineCore::park(const PairPtr& pair, Lane& lane, std::string why, Duration pause, bool dependency_open) {
  const WallTime now = parts.clock.wall();
  Head head{.lane = lane.id,
            .event = lane.queue.front().event.id,
            .tenant = lane.tenant.text(),
            .tries = lane.tries,
            .since = now,
            .due = now + std::chrono::ceil<std::chrono::milliseconds>(pause),
            .why = std::move(why)};
  if (dependency_open) head.paused_since = now;
  note(lane.queue.front().event, "parked", lane.tries,
       fmt::format("until {}: {}", event::time_text(head.due), said(head.why)));
  pair->new_heads[lane.id] = parts.clock.now() + pause;
  for (std::size_t i = 1; i < lane.queue.size(); ++i) note(lane.queue[i].event, "queued", 0, "behind a parked event");
  auto queue = std::exchange(lane.queue, {});
  move(pair, {.queued = std::move(queue.front()), .lane = lane.id, .head = std::move(head)});
  queue.pop_front();
  for (auto& queued : queue) move(pair, {.queued = std::move(queued), .lane = lane.id});
}

}  // namespace sluice::engine
