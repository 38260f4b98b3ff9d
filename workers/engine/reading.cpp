// What the consumer tells, and what becomes of each record that is delivered.
#include "workers/engine/core.hpp"

#include "common/event/partition.hpp"
#include "common/store/held_lanes.hpp"

namespace sluice::engine {
namespace {

constexpr std::chrono::seconds subscribe_pause{1};

LaneId hash_of(std::string_view text) {
  constexpr std::uint64_t offset = 14695981039346656037ULL, prime = 1099511628211ULL;  // FNV-1a
  std::uint64_t hash = offset;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * prime;
  return hash;
}

}  // namespace

LaneId lane_of(const event::EventKey& key) {
  return hash_of(event::text_of(key));
}

// Whatever ends it, cancellation included, every coroutine of the engine has ended when this returns.
Task<> EngineCore::run() {
  struct Over {  // also when it is cancelled or throws: what falls due later begins nothing any more
    EngineCore& core;
    ~Over() { core.fall_silent(); }
  } over{*this};
  co_await work.run(serve());
  consumer.reset();
}

void EngineCore::fall_silent() {
  for (auto* timer : {&parked_timer, &commit_timer, &journal_timer, &probe_timer, &waits_timer}) timer->disarm();
  hears_dependencies.reset();
}

Task<> EngineCore::serve() {
  work.start(fire_schedule());
  work.start(keep_pauses());
  work.start(watch());
  work.start(measure_lag());
  if (limits.records_kept) work.start(watch_ages());
  const auto listening =
      parts.database.listen(std::string{store::held_lanes_channel}, [this] { work.start(look_for_released()); });
  while (!drained) {
    auto subscribed = co_await parts.log.subscribe(
        {.group = group, .topics = {topics.main, topics.retry}, .revoke_wait_max = limits.revoke_wait_max});
    if (subscribed) {
      consumer = std::move(*subscribed);
      if (stopping) consumer->close();  // the stop came while it joined
      co_await read(*consumer);
    } else {
      parts.logger.warn(
          "cannot join the group, trying again",
          {{"pool", spec.name}, {"class", name_of(subscribed.error().kind)}, {"why", subscribed.error().sentence}});
      if (stopping) break;
      co_await parts.clock.sleep_for(subscribe_pause);
    }
  }
  work.cancel();  // what still runs had its time
}

// Returns when the consumer is closed or broken.
Task<> EngineCore::read(log::Consumer& from) {
  while (true) {
    auto notice = co_await from.next();
    if (std::holds_alternative<log::Closed>(notice)) {
      drained = stopping;
      co_return;
    }
    if (const auto* broken = std::get_if<log::Broken>(&notice)) {
      parts.logger.error("the consumer broke and is made anew",
                         {{"pool", spec.name}, {"why", broken->failure.sentence}});
      while (!pairs.empty()) drop(pairs.begin()->second);
      from.close();
      if (stopping) drained = true;
      co_return;
    }
    if (auto* assigned = std::get_if<log::Assigned>(&notice)) told(*assigned);
    if (auto* records = std::get_if<log::Records>(&notice)) told(*records);
    if (auto* reached = std::get_if<log::ReachedEnd>(&notice)) told(*reached);
    if (auto* revoking = std::get_if<log::Revoking>(&notice)) told(*revoking);
    if (auto* lost = std::get_if<log::Lost>(&notice)) told(*lost);
  }
}

void EngineCore::told(log::Assigned& assigned) {
  if (stopping) return;  // nothing new is begun; it is given back when the consumer closes
  for (auto& assignment : assigned.partitions) {
    const auto known = pairs.find(assignment.partition.number);
    if (known != pairs.end()) {  // a hand-over that was not released in time may end here, under a new epoch
      const auto& before = assignment.partition.topic == topics.main ? known->second->main : known->second->retry;
      if (before) drop(known->second);
    }
    auto& pair = pairs[assignment.partition.number];
    if (!pair) pair = std::make_shared<Pair>(assignment.partition.number);
    const log::Offset watermark = assignment.committed ? assignment.committed->watermark : 0;
    auto note = assignment.committed ? read_note(assignment.committed->metadata, watermark) : std::nullopt;
    if (assignment.committed && !assignment.committed->metadata.empty() && !note) {
      parts.logger.warn("a commit's metadata is not ours and is ignored",
                        {{"pool", spec.name}, {"partition", assignment.partition.number}});
    }
    Trial trial{note};
    Side side{assignment.partition, assignment.epoch,
              Tracker{watermark, note ? std::move(note->done) : std::vector<DoneRun>{}}, trial};
    const bool is_main = assignment.partition.topic == topics.main;
    (is_main ? pair->main : pair->retry).emplace(std::move(side));
    if (is_main) {
      consumer->pause(assignment.partition);  // until the retry partition has been read to its end
      pair->main->paused = true;
    }
    if (pair->main && pair->retry) work.start(open(pair));
  }
  figures.pairs = pairs.size();
}

PairPtr EngineCore::find(const log::Partition& partition, log::Epoch epoch) {
  const auto found = pairs.find(partition.number);
  if (found == pairs.end() || !found->second->admits()) return nullptr;
  const auto& side = partition.topic == topics.main ? found->second->main : found->second->retry;
  return side && side->epoch == epoch ? found->second : nullptr;
}

void EngineCore::told(log::Records& records) {
  const PairPtr pair = find(records.partition, records.epoch);
  if (!pair) return;
  const bool is_main = records.partition.topic == topics.main;
  if (is_main) pair->main_at_end = false;
  for (const auto& record : records.records) {
    if (is_main) {
      take_main(pair, record);
    } else {
      take_retry(pair, record);
    }
  }
  if (is_main) watch_bounds(*pair);
}

void EngineCore::told(log::ReachedEnd& reached) {
  const PairPtr pair = find(reached.partition, reached.epoch);
  if (!pair) return;
  if (reached.partition.topic == topics.main) {
    pair->main_at_end = true;
    pair->main_admission.changed.notify_all();
    return;
  }
  pair->retry_at_end = true;
  pair->changed.notify_all();
}

void EngineCore::told(log::Lost& lost) {
  for (const auto& partition : lost.partitions) {
    const auto found = pairs.find(partition.number);
    if (found != pairs.end()) drop(found->second);
  }
}

namespace {

Result<event::Event> decoded(const log::Record& record) {
  if (record.is_poison())
    return fail(Kind::corrupt, std::string{"the record fails its check: "} + std::string{record.damage()});
  return event::decode(record.key(), record.value(), record.headers());
}

// Where it was first appended travels with an event through retry, dead letter and replay.
void remember_origin(event::Event& event, const log::Partition& partition, const log::Record& record) {
  if (event.journey.origin) return;
  event.journey.origin = event::Origin{partition.topic, partition.number, record.offset(), record.timestamp()};
}

}  // namespace

void EngineCore::take_main(const PairPtr& pair, const log::Record& record) {
  if (!pair->main->tracker.take(record.offset())) return;
  auto event = decoded(record);
  if (!event) {
    work.start(bury_unreadable(
        pair, Which::main,
        log::Record{log::Record::Parts{record.offset(), record.timestamp(), record.key(), record.value(),
                                       record.headers(), record.damage(), record.raw_headers()}},
        std::move(event.error())));
    return;
  }
  remember_origin(*event, pair->main->partition, record);
  admit(pair, Queued{record.offset(), std::move(*event), record.bytes()});
}

void EngineCore::enqueue(const PairPtr& pair, Queued&& queued) {
  const LaneId id = lane_of(queued.event.key);
  const ShortId event_id = short_id(queued.event.id);
  const auto lane_place = pair->lanes.find(id);
  const bool stands_in_memory = lane_place != pair->lanes.end() &&
                                std::any_of(lane_place->second->queue.begin(), lane_place->second->queue.end(),
                                            [&](const Queued& other) { return other.event.id == queued.event.id; });
  const auto moving = pair->moving.find(id);
  const bool is_moving = moving != pair->moving.end();
  const bool is_dead_letter = is_held_head(*pair, id, queued.event);
  const bool dead_again = is_dead_letter && queued.event.journey.replay.empty();  // its completion was not committed
  // What comes back from the schedule while its row is still being written is no second copy of what leaves the lane.
  const bool comes_back = pair->scheduling.contains(event_id);
  // What came back by delivery stands in the index, or is done: also while the answer to its append is still missing.
  const auto move_state = is_moving ? moving->second.find(event_id) : decltype(moving->second.end()){};
  const bool is_on_its_way = is_moving && move_state != moving->second.end() && !move_state->second.delivered;
  if (!comes_back && (stands_in_memory || dead_again || index.holds(id, event_id) || is_on_its_way)) {
    const log::Offset offset = queued.offset;
    note(queued.event, "duplicate", 0, "it stands in its lane already");
    count_out(*pair, queued);
    complete(*pair, Which::main, {&offset, 1});
    return;
  }
  // Behind what is still in memory it waits there, also when the conversation turned out to be parked: join_parked().
  const bool in_memory = lane_place != pair->lanes.end() && !lane_place->second->queue.empty();
  if (!in_memory && !is_dead_letter && (is_moving || index.holds(id) || pair->held.contains(id))) {
    note(queued.event, "queued", 0, "behind a parked event");
    move(pair, Move{std::move(queued), id});
    return;
  }
  const bool stands_alone = lane_place == pair->lanes.end();
  if (stands_alone && !is_dead_letter && crowds(*pair, queued.event.tenant)) {
    note(queued.event, "queued", 0, "its tenant has more than its share");
    move(pair, Move{std::move(queued), id});
    return;
  }
  note_arrival(pair, id, event_id);
  auto& lane = pair->lanes[id];
  if (!lane) lane = std::make_unique<Lane>(id, queued.event.tenant);
  lane->queue.push_back(std::move(queued));
  if (lane->alive) {
    lane->changed.notify_all();
  } else {
    start_life(pair, *lane);
  }
}

void EngineCore::take_retry(const PairPtr& pair, const log::Record& record) {
  if (!pair->retry->tracker.take(record.offset())) return;
  auto event = decoded(record);
  if (!event) {
    work.start(bury_unreadable(
        pair, Which::retry,
        log::Record{log::Record::Parts{record.offset(), record.timestamp(), record.key(), record.value(),
                                       record.headers(), record.damage(), record.raw_headers()}},
        std::move(event.error())));
    return;
  }
  const LaneId lane = lane_of(event->key);
  const ShortId id = short_id(event->id);
  if (index.holds(lane, id) && !pair->scheduling.contains(id)) {  // a second copy of what was appended twice
    const log::Offset offset = record.offset();
    complete(*pair, Which::retry, {&offset, 1});
  } else {
    const bool first = !index.holds(lane);
    index.add(lane, record.offset(), id);
    pair->parked.insert(lane);
    if (first && pair->opened && !pair->held.contains(lane))
      index.set_due(lane, due_of_new_head(*pair, lane));  // else opening looks up when it is due
  }
  arrived(*pair, lane, id);
  arm_parked();
}

// A head that was just parked waits as long as its failure asked for; one that moved in behind a head that is done is
// due.
Instant EngineCore::due_of_new_head(Pair& pair, LaneId lane) {
  const auto known = pair.new_heads.find(lane);
  if (known == pair.new_heads.end()) return parts.clock.now();
  const Instant due = known->second;
  pair.new_heads.erase(known);
  return due;
}

// Pauses a main partition above its bounds and lets it go on at half of them.
void EngineCore::watch_bounds(Pair& pair) {
  if (!pair.main || !pair.opened || !pair.admits()) return;
  const auto above = [&](std::size_t part) {
    return pair.records * part >= limits.partition_records_max * 2 ||
           pair.bytes * part >= limits.partition_bytes_max * 2 || figures.records * part >= limits.records_max * 2 ||
           figures.bytes * part >= limits.bytes_max * 2;
  };
  const bool full_map = pair.main->tracker.unfinished() > 0 && pair.map_share >= limits.map_share_max;
  const bool full = above(2) || full_map || index.events() >= limits.parked_max;
  const bool low = !above(4) && pair.map_share < limits.map_share_max / 2 && index.events() < limits.parked_max;
  if (!pair.main->paused && full) {
    consumer->pause(pair.main->partition);
    pair.main->paused = true;
    pair.main_admission.changed.notify_all();
  } else if (pair.main->paused && low) {
    consumer->resume(pair.main->partition);
    pair.main->paused = false;
  }
}

}  // namespace sluice::engine
