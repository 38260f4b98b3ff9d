// What befalls a simulated world: events come, processes die and are deployed, clocks jump, ways break.
#include <fmt/format.h>

#include "tests/simulation/simulation.hpp"
#include "tests/support/event_record.hpp"
#include "workers/engine/lane.hpp"

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

namespace {
// In the scope of the process: it ends with it.
Task<> released(engine::Engine& engine, event::EventKey key) {
  [[maybe_unused]] const auto was_held = co_await engine.release(std::move(key));
}
}  // namespace

// An operator, wherever he is connected. He who hears of it first goes on, so it is true before it is told.
void Simulation::release(int conversation) {
  for (const auto& process : processes_) {
    if (!process->running || process->dead || process->stops) continue;
    truth_.note(fmt::format("an operator releases conversation {} through {}", conversation, process->name));
    truth_.is_released(conversation);
    const auto& first = plan_.conversation[static_cast<std::size_t>(conversation)].front();
    process->scope.start(released(*process->engine, truth_.planned(first).event.key));
    return;
  }
}

Task<> Simulation::release_now_and_then() {
  while (true) {
    co_await world_.clock.sleep_for(world_.random.between(0s, 15s));
    for (int conversation = 0; conversation < plan_.conversations; ++conversation) {
      if (truth_.is_held(conversation) && world_.random.one_in(2)) release(conversation);
    }
  }
}

void Simulation::operator_visits() {
  const auto rows = store_.read_now({"SELECT DISTINCT lane FROM held_lanes", {}});
  ENSURE(rows.has_value(), "an operator's question is good SQL");
  for (int conversation = 0; conversation < plan_.conversations; ++conversation) {
    const auto& events = plan_.conversation[static_cast<std::size_t>(conversation)];
    if (events.empty()) continue;
    const auto lane = static_cast<std::int64_t>(engine::lane_of(truth_.planned(events.front()).event.key));
    for (std::size_t row = 0; row < rows->size(); ++row) {
      if (rows->integer(row, 0) == lane) release(conversation);
    }
  }
  for (const auto& process : processes_) {
    if (!process->running || process->dead || process->stops) continue;
    for (int tenant = 0; tenant < plan_.tenants; ++tenant)
      process->engine->lift(event::Tenant::parse(fmt::format("tenant{}", tenant)).value());
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
