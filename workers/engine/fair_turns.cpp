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

std::optional<FairTurns::Turn> FairTurns::take_free(const event::Tenant& tenant) {
  if (room_->free == 0) return std::nullopt;
  --room_->free;
  room_->served = tenant;
  return Turn{room_};
}

Task<FairTurns::Turn> FairTurns::acquire(event::Tenant tenant) {
  if (auto turn = take_free(tenant)) co_return std::move(*turn);
  const auto room = room_;
  Waiter waiter;
  room->waiting[std::move(tenant)].push_back(waiter);
  co_await waiter.wait();  // whoever woke it passed the turn on
  co_return Turn{room};
}

}  // namespace sluice::engine
