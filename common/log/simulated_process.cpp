#include "common/log/simulated_process.hpp"

#include <algorithm>
#include <set>

#include "common/async/waiter.hpp"

namespace sluice::log {

void SimulatedProcess::receive(Work work) {
  if (dead_) return;
  if (frozen_) {
    held_.push_back(std::move(work));
    return;
  }
  if (exchange()) work();
}

bool SimulatedProcess::exchange() {
  if (!dead_ && exchanges_left_ > 0) {
    exchanges_left_ -= 1;
    if (exchanges_left_ == 0) die_();
  }
  return !dead_;
}

void SimulatedProcess::freeze(Instant now, Instant until) {
  if (!frozen_) frozen_since_ = now;
  frozen_until_ = frozen_ ? std::max(frozen_until_, until) : until;
  frozen_ = true;
}

void SimulatedProcess::thaw() {
  frozen_ = false;
  auto held = std::exchange(held_, {});
  for (auto& work : held) receive(std::move(work));
  changed.notify_all();
}

void SimulatedProcess::lose_broker() {
  broker = nullptr;
  requests.clear();
  held_.clear();
}

void SimulatedProcess::crash(AfterCrash after, Random& random) {
  if (dead_) return;
  dead_ = true;
  after_ = after;
  held_.clear();
  std::set<Channel> cut;
  for (auto* request : requests) {
    const bool behind_a_loss =
        std::ranges::any_of(request->channels, [&](Channel channel) { return cut.contains(channel); });
    const bool never_left = frozen_ && request->leaves_at_thaw;
    request->lost = behind_a_loss || never_left || random.one_in(4);
    if (request->lost) cut.insert(request->channels.begin(), request->channels.end());
  }
  changed.notify_all();
}

void SimulatedProcess::die_at(std::uint64_t exchanges, std::function<void()> die) {
  exchanges_left_ = exchanges;
  die_ = std::move(die);
}

Task<> silence() {
  Waiter nobody_wakes_it;
  co_await nobody_wakes_it.wait();
}

}  // namespace sluice::log
