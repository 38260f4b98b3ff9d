// Parked heads that wait for a dependency. They do not look again by themselves: when its breaker closes all of them
// are due, and while it is open one of them is at each time when a probe is allowed.
#include "workers/engine/core.hpp"

namespace sluice::engine {

constexpr std::chrono::seconds look_pause_min{1};

// Where nothing is known to be open the head looks again by itself.
Instant EngineCore::wait_parked(LaneId lane, std::string_view dependency, const event::Tenant& tenant) {
  const Instant now = parts.clock.now();
  const auto probe = parts.dependencies == nullptr ? std::nullopt : parts.dependencies->next_probe(dependency, tenant);
  if (!probe) return now + look_pause_min;
  auto& waiting = waits[{std::string{dependency}, tenant}];
  if (waiting.lanes.empty()) waiting.look = std::max(*probe, now + look_pause_min);
  waiting.lanes.push_back(lane);
  arm_waits();
  return Instant::max();
}

void EngineCore::arm_waits() {
  std::optional<Instant> next;
  for (const auto& [what, waiting] : waits) {
    if (!next || waiting.look < *next) next = waiting.look;
  }
  if (next) waits_timer.arm(*next);
}

void EngineCore::look_at_waits() {
  const Instant now = parts.clock.now();
  for (auto at = waits.begin(); at != waits.end();) {
    auto& [what, waiting] = *at;
    const auto probe = parts.dependencies->next_probe(what.first, what.second);
    if (!probe) {
      for (const LaneId lane : waiting.lanes) look_now(lane);
      waiting.lanes.clear();
    } else if (waiting.look <= now) {
      bool looks = *probe > now;  // somebody else's turn came first
      while (!looks && !waiting.lanes.empty()) {
        looks = look_now(waiting.lanes.back());
        waiting.lanes.pop_back();
      }
      waiting.look = std::max(*probe, now + look_pause_min);
    }
    at = waiting.lanes.empty() ? waits.erase(at) : std::next(at);
  }
  arm_waits();
  arm_parked();
}

// False: it does not wait any more.
bool EngineCore::look_now(LaneId lane) {
  if (index.due_of(lane) != Instant::max()) return false;
  index.set_due(lane, parts.clock.now());
  return true;
}

}  // namespace sluice::engine
