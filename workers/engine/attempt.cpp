#include "workers/engine/attempt.hpp"

namespace sluice::engine {

Task<Result<void>> Handler::when_read(const event::Event& /*event*/) {
  co_return Result<void>{};
}

std::vector<const event::Event*> RunningAttempt::behind() const {
  std::vector<const event::Event*> events;
  if (lane_ == nullptr) return events;
  for (std::size_t i = 1; i < lane_->queue.size(); ++i) events.push_back(&lane_->queue[i].event);
  return events;
}

// Of a parked conversation nobody comes behind in memory: it waits until it is cancelled.
Task<> RunningAttempt::another_arrives() {
  if (lane_ != nullptr) return lane_->changed.wait();
  return core_.nobody.wait();
}

Task<Result<Pass>> RunningAttempt::enter(std::string_view dependency) {
  ENSURE(core_.parts.dependencies != nullptr, "a pool that enters a dependency has declared it");
  return core_.parts.dependencies->enter(dependency, tenant_, deadline_);
}

}  // namespace sluice::engine
