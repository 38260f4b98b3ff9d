// The life of a parked conversation: its head is due, is read again by its offset and runs; when it is done the next
// follows at once, and when none is left main records flow again.
#include "common/store/parked_heads.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

namespace {
constexpr std::chrono::milliseconds lane_look_again{100};
}

void EngineCore::arm_parked() {
  const auto earliest = index.earliest();
  if (earliest && *earliest != Instant::max()) parked_timer.arm(*earliest);
}

void EngineCore::start_due() {
  for (const LaneId lane : index.take_due(parts.clock.now(), limits.resumed_at_once_max)) {
    for (const auto& [number, pair] : pairs) {
      if (!pair->parked.contains(lane) || !pair->admits()) continue;
      if (pair->lanes.contains(lane)) {
        index.set_due(lane, parts.clock.now() + lane_look_again);  // its head in memory runs; see join_parked()
      } else {
        admit_head(pair, lane);
      }
    }
  }
  for (const auto& [number, pair] : pairs) pair->retry_admission.changed.notify_all();  // all that is due has come
  arm_parked();
}

Task<std::optional<log::Record>> EngineCore::fetch(PairPtr pair, Which which, log::Offset offset) {
  const log::Partition partition = side(*pair, which).partition;
  for (std::uint32_t failures = 1; pair->current; ++failures) {
    auto record = co_await parts.log.read_one(partition, offset);
    if (record) co_return std::move(*record);
    if (record.error().kind == Kind::not_found) {
      parts.logger.error("an unfinished record is gone from the log",
                         {{"pool", spec.name}, {"partition", pair->number}, {"offset", offset}});
    }
    const bool ours = co_await storage_pause(failures, *pair, record.error());
    if (!ours) co_return std::nullopt;
  }
  co_return std::nullopt;
}

// What is stored of the head, or a fresh one: a follower, or one whose row was not written before a crash.
Task<std::optional<Head>> EngineCore::head_of(PairPtr pair, LaneId lane, const event::Event& event) {
  for (std::uint32_t failures = 1; pair->current; ++failures) {
    auto row =
        co_await store::find_parked_head(parts.database, spec.name, pair->number, static_cast<std::int64_t>(lane));
    if (row) {
      Head head{.lane = lane,
                .event = event.id,
                .tenant = event.tenant.text(),
                .tries = 0,
                .since = parts.clock.wall(),
                .due = parts.clock.wall(),
                .why = {}};
      if (*row && (*row)->event == event.id.text()) {
        head.tries = static_cast<std::uint32_t>((*row)->tries);
        head.since = (*row)->since;
        head.due = (*row)->due;
        head.why = (*row)->why;
        head.paused = (*row)->paused;
        if (const auto paused_since = (*row)->paused_since) {
          head.paused += std::max(parts.clock.wall() - *paused_since, std::chrono::milliseconds{0});
        }
      }
      co_return head;
    }
    const bool ours = co_await storage_pause(failures, *pair, row.error());
    if (!ours) co_return std::nullopt;
  }
  co_return std::nullopt;
}

db::Statement EngineCore::row_of(const Pair& pair, const Head& head) const {
  return store::keep_parked_head({.pool = spec.name,
                                  .partition = pair.number,
                                  .lane = static_cast<std::int64_t>(head.lane),
                                  .tenant = head.tenant,
                                  .event = head.event.text(),
                                  .tries = head.tries,
                                  .since = head.since,
                                  .due = head.due,
                                  .why = scrubbed(head.why),
                                  .last_failed = {},
                                  .paused = head.paused,
                                  .paused_since = head.paused_since});
}

// While heads are on trial one event at a time, then the lane gets in line again.
Task<> EngineCore::live_parked(PairPtr pair, LaneId lane) {
  bool goes_on = true;
  while (pair->admits() && goes_on) {
    const auto offset = index.head(lane);
    if (!offset) break;
    auto record = co_await fetch(pair, Which::retry, *offset);
    if (!record || !pair->admits()) break;
    if (spec.followers == Followers::hold) {
      co_await look_for_hold(pair, lane);
      if (!pair->admits() || !index.holds(lane) || index.head(lane) != offset) break;
    }
    const bool ends_now = expires(*record);
    if (pair->held.contains(lane) && !ends_now) break;
    auto event = event::decode(record->key(), record->value(), record->headers());
    ENSURE(event.has_value(), "a record that was read once can be read again");
    auto head = co_await head_of(pair, lane, *event);
    if (!head || !pair->admits()) break;
    head->expires = ends_now;
    const bool may_run = !pair->held.contains(lane) && !must_sleep(lane, event->tenant);
    if (!may_run && !ends_now) {
      co_await put_to_sleep(pair, std::move(*head), event->tenant);
      break;
    }
    std::optional<Outcome> outcome;
    if (may_run) {
      outcome = co_await run_handler(pair, *event, nullptr, head->tries, false);
      if (!outcome || !pair->current) break;
      harmless(*pair, Which::retry);
    } else {
      outcome = expired();
    }
    goes_on = co_await act_parked(pair, *offset, *event, std::move(*head), std::move(*outcome));
    if (pair->retry_admission.flows) continue;
    if (goes_on && pair->admits() && index.holds(lane)) {
      index.set_due(lane, parts.clock.now());
      arm_parked();
    }
    break;
  }
  survived(*pair, Which::retry, lane);
  if (pair->burying.erase(lane) == 0 || pair->held.contains(lane) || !pair->admits()) co_return;
  if (!index.holds(lane) || index.is_due(lane)) co_return;
  index.set_due(lane, parts.clock.now());  // released meanwhile
  arm_parked();
}

// False: its turn is over for now.
Task<bool> EngineCore::act_parked(PairPtr pair, log::Offset offset, const event::Event& event, Head head,
                                  Outcome outcome) {
  const Acting acting{*pair};
  if (head.expires && std::holds_alternative<Waiting>(outcome)) outcome = expired();
  if (const auto* waiting = std::get_if<Waiting>(&outcome)) {
    auto why = fmt::format("waiting for {}", waiting->dependency);
    if (why != head.why) note(event, "waiting", head.tries, waiting->dependency);
    head.why = std::move(why);
    head.due = head.paused_since.emplace(parts.clock.wall());  // another owner looks at once
    const LaneId lane = head.lane;
    const bool kept = co_await keep_row(pair, std::move(head));
    if (!kept) co_return false;
    index.set_due(lane, wait_parked(lane, waiting->dependency, event.tenant));  // on what is true by now
    arm_parked();
    co_return false;
  }
  if (auto* later = std::get_if<Later>(&outcome)) {
    if (!head.expires && parts.clock.wall() - head.since - head.paused < limits.retry.park_max) {
      const auto asked = later->wait ? later->wait : later->why.wait;
      const std::uint32_t steps =
          head.tries >= limits.retry.lane_tries_max ? head.tries - limits.retry.lane_tries_max + 1 : 0;
      head.tries += 1;
      note(event, "later", head.tries, fmt::format("{}: {}", name_of(later->why.kind), said(later->why.sentence)));
      head.why = std::move(later->why.sentence);
      const Duration pause = parked_pause(limits.retry, steps, asked, parts.random);
      head.due = parts.clock.wall() + std::chrono::ceil<std::chrono::milliseconds>(pause);
      const LaneId lane = head.lane;
      const bool kept = co_await keep_row(pair, std::move(head));
      if (!kept) co_return false;
      index.set_due(lane, parts.clock.now() + pause);
      arm_parked();
      co_return false;
    }
    outcome = Never{std::move(later->why), "parked too long"};
  }
  if (const auto* never = std::get_if<Never>(&outcome);
      never != nullptr && !head.expires && holds_letter(event, *never)) {
    co_await put_to_sleep(pair, std::move(head), event.tenant);
    co_return false;
  }
  const bool leaves = std::holds_alternative<At>(outcome);
  const ShortId id = short_id(event.id);
  if (leaves) pair->scheduling.insert(id);
  const LaneId lane = head.lane;
  auto settled = settle(outcome, event, Which::retry, head.tries);
  if (auto* never = std::get_if<Never>(&outcome)) {
    const bool ours = co_await add_letter(pair, settled, std::move(*never), event, offset, head.tries);
    if (!ours) co_return false;
  }
  settled.finish.offsets.push_back(offset);
  settled.finish.changes.statements.push_back(
      store::forget_parked_head(spec.name, pair->number, static_cast<std::int64_t>(head.lane)));
  const Finished finished = co_await finish(pair, std::move(settled.finish));
  if (finished != Finished::overtaken) pair->scheduling.erase(id);  // its row may have been written all the same
  if (finished == Finished::orphaned || !pair->current) co_return false;
  if (finished == Finished::durable) {
    index.remove_head(head.lane);
    if (!index.holds(head.lane)) pair->parked.erase(head.lane);
    watch_bounds(*pair);
  }
  if (finished == Finished::durable && settled.holds) {
    hold(*pair, lane, std::move(*settled.holds));
    co_return false;
  }
  co_return true;
}

// False: it is not parked with us any more.
Task<bool> EngineCore::keep_row(PairPtr pair, Head head) {
  const LaneId lane = head.lane;
  db::Batch batch;
  batch.statements.push_back(row_of(*pair, head));
  const Finished kept = co_await run_changes(pair, batch);
  co_return kept != Finished::orphaned && pair->admits() && index.holds(lane);
}

}  // namespace sluice::engine
