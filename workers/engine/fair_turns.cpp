#include "workers/engine/fair_turns.hpp"

namespace sluice::engine {

// Directly to the next one, so that no newcomer takes it in between. Who was cancelled stands in no list any more.
void FairTurns::Room::give_back() {
  while (!waiting.empty()) {
    auto next = served ? waiting.upper_bound(*served) : waiting.begin();
    if (next == waiting.end()) next = waiting.begin();
    served = next->first;
    const bool somebody = !next->second.empty();
    if (somebody) next->second.front().wake();
    if (next->second.empty()) waiting.erase(next);
    if (somebody) return;
  }
  ++free;
}

Task<FairTurns::Turn> FairTurns::acquire(event::Tenant tenant) {
  const auto room = room_;
  if (room->free > 0) {
    --room->free;
    room->served = std::move(tenant);
  } else {
    Waiter waiter;
    room->waiting[std::move(tenant)].push_back(waiter);
    co_await waiter.wait();  // whoever woke it passed the turn on
  }
  co_return Turn{room};
}

}  // namespace sluice::engine
