// What befalls a simulated world: events come, processes die and are deployed, clocks jump, ways break.
#include <fmt/format.h>

#include "tests/simulation/simulation.hpp"
#include "tests/support/event_record.hpp"

namespace sluice::simulation {
namespace {

using namespace std::chrono_literals;

log::Outgoing record_of(const PlannedEvent& planned, const std::string& topic, std::int32_t partitions) {
  auto record = event_record(planned.event, topic, partitions);
  if (planned.behaviour == Behaviour::unreadable)
    return {.topic = topic, .partition = record.partition, .key = std::move(record.key), .value = planned.name};
  return record;
}

}  // namespace

// The events of one conversation, one after the other, as dedup writes them.
Task<> Simulation::write(int conversation) {
  const auto& events = plan_.conversation[static_cast<std::size_t>(conversation)];
  const bool burst = world_.random.one_in(3);  // all at once, so that they queue up behind each other
  co_await world_.clock.sleep_for(world_.random.between(0s, Plan::writing_time / 2));
  for (const int event : events) {
    const Duration longest = Plan::writing_time / 2 / static_cast<int>(events.size());
    co_await world_.clock.sleep_for(world_.random.between(0s, burst ? Duration{50ms} : longest));
    co_await append_until_acknowledged(event);
  }
}

Task<> Simulation::append_until_acknowledged(int event) {
  const PlannedEvent& planned = truth_.planned(event);
  auto record = record_of(planned, truth_.topics.main, plan_.partitions);
  if (planned.behaviour == Behaviour::damaged) {
    record.timestamp = world_.clock.wall();
    const log::Partition partition{record.topic, record.partition};
    broker_.corrupt(partition, broker_.append(partition, record));
  } else {
    while (true) {
      std::vector<log::Outgoing> one;
      one.push_back(record);
      auto appended = co_await writer_->append(std::move(one));
      if (appended) break;
      co_await world_.clock.sleep_for(200ms);
    }
  }
  truth_.of(event).acknowledged = true;
  truth_.of(event).acknowledged_at = world_.clock.now();
  truth_.note(fmt::format("{} is in the log", planned.name));
}

// At a step of the loop, or at an exchange with the log: between any two things that a process does.
Task<> Simulation::crash_now_and_then(Process& process) {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 2 * plan_.crash_every));
    if (process.dead || !process.running) continue;
    if (world_.random.one_in(3)) {
      const auto died = [this, &process, log = process.log.get()] {
        if (process.log.get() == log) die(process, log::AfterCrash::silent);
      };
      process.log->crash_at(1 + world_.random.below(60), log::AfterCrash::silent, died);
    } else {
      process.dies_at = steps_ + 1 + world_.random.below(400);
    }
  }
}

Task<> Simulation::stop_now_and_then(Process& process) {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 2 * plan_.stop_every));
    if (process.dead || !process.running) continue;
    process.stops = true;
    process.changed.notify_all();
  }
}

Task<> Simulation::jump_now_and_then() {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 2 * plan_.wall_jump_every));
    const Duration by = world_.random.between(Duration{}, 2h) - Duration{1h};
    truth_.note(fmt::format("the wall clock jumps by {} s", by / 1s));
    truth_.wall_is_read();
    world_.clock.jump_wall(by);
  }
}

Task<> Simulation::cut_now_and_then() {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 2 * plan_.cut_every));
    Process& process = *processes_[world_.random.below(processes_.size())];
    if (!process.database) continue;
    truth_.note(fmt::format("{} loses its database", process.name));
    process.database->cut();
    co_await world_.clock.sleep_for(world_.random.between(10ms, 5s));
    if (process.database) process.database->mend();
  }
}

Task<> Simulation::break_now_and_then() {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 2 * plan_.break_every));
    Process& process = *processes_[world_.random.below(processes_.size())];
    if (!process.running || process.dead) continue;
    truth_.note(fmt::format("the consumer of {} breaks", process.name));
    process.log->break_consumers({Kind::unavailable, "as drawn"});
  }
}

Task<> Simulation::wake_now_and_then() {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 2 * plan_.wake_every));
    const auto& events = plan_.conversation[world_.random.below(plan_.conversation.size())];
    if (events.empty()) continue;
    const auto& key = std::get<event::InboundKey>(truth_.planned(events.front()).event.key);
    for (const auto& process : processes_) {
      if (process->running && !process->dead) process->engine->wake(event::minted_conversation(key));
    }
  }
}

}  // namespace sluice::simulation
