// What a final outcome makes durable.
#include "common/store/held_lanes.hpp"
#include "common/store/schedule.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {
namespace {

void add(db::Batch& to, db::Batch more) {
  std::move(more.statements.begin(), more.statements.end(), std::back_inserter(to.statements));
  std::move(more.notices.begin(), more.notices.end(), std::back_inserter(to.notices));
}

}  // namespace

// Of a Never all but its letter.
EngineCore::Settled EngineCore::settle(Outcome& outcome, const event::Event& event, Which which, std::uint32_t tries) {
  Settled settled;
  settled.finish.which = which;
  tell_end(settled.finish, outcome, event, tries);
  if (!std::holds_alternative<Never>(outcome)) ended_well(event);
  const auto take_outputs = [&](const std::vector<Output>& outputs) {
    for (const auto& output : outputs) settled.finish.outputs.push_back(outgoing(output));
  };
  if (auto* done = std::get_if<Done>(&outcome)) {
    take_outputs(done->outputs);
    add(settled.finish.changes, std::move(done->changes));
    settled.covers_behind = done->covers_behind;
  } else if (auto* suppressed = std::get_if<Suppressed>(&outcome)) {
    take_outputs(suppressed->outputs);
    add(settled.finish.changes, std::move(suppressed->changes));
  } else if (const auto* at = std::get_if<At>(&outcome)) {
    auto encoded = event::encode(event);
    ENSURE(encoded.has_value(), "an event that was read can be written");
    settled.finish.changes.statements.push_back(store::schedule_row(spec.name, event, *encoded, at->when));
    settled.finish.changes.notices.emplace_back(store::schedule_channel);
  } else if (const auto* never = std::get_if<Never>(&outcome)) {
    take_outputs(never->outputs);
  }
  return settled;
}

Task<bool> EngineCore::add_letter(PairPtr pair, Settled& settled, Never never, const event::Event& event,
                                  log::Offset offset, std::uint32_t tries) {
  const Which which = settled.finish.which;
  auto record = co_await fetch(pair, which, offset);
  if (!record) co_return false;
  const Letter facts{.pool = spec.name,
                     .owner = parts.owner,
                     .from = side(*pair, which).partition,
                     .event = &event,
                     .why = never.why,
                     .code = never.code,
                     .tries = tries + 1,
                     .now = parts.clock.wall(),
                     .error_class = class_of(never)};
  settled.finish.outputs.push_back(dead_letter(topics.dead, spec.partitions, *record, facts));
  settled.finish.buries = true;
  const LaneId lane = lane_of(event.key);
  const auto already = pair->held.find(lane);
  const bool is_follower = already != pair->held.end() && already->second.event != event.id.text();
  if (spec.followers != Followers::hold || is_follower) co_return true;
  const Held held{event.id.text(), scrubbed(never.why.sentence), facts.now};
  settled.finish.changes.statements.push_back(store::hold_lane({.pool = spec.name,
                                                                .partition = pair->number,
                                                                .lane = static_cast<std::int64_t>(lane),
                                                                .tenant = event.tenant.text(),
                                                                .event = held.event,
                                                                .why = held.why,
                                                                .since = held.since}));
  settled.holds = held;
  co_return true;
}

}  // namespace sluice::engine
