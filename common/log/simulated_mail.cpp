#include "common/log/simulated_mail.hpp"

#include <algorithm>
#include <utility>

namespace sluice::log {

SimulatedMail::SimulatedMail(Clock& clock) : clock_(clock), timer_(clock.timers(), [this] { deliver(); }) {}

bool SimulatedMail::later(const Letter& one, const Letter& other) {
  return one.due != other.due ? one.due > other.due : one.number > other.number;
}

void SimulatedMail::send(Instant due, Work work) {
  heap_.push_back(Letter{std::max(due, clock_.now()), ++sent_, std::move(work)});
  std::ranges::push_heap(heap_, later);
  timer_.arm(heap_.front().due);
}

void SimulatedMail::deliver() {
  if (heap_.empty()) return;
  std::ranges::pop_heap(heap_, later);
  auto letter = std::move(heap_.back());
  heap_.pop_back();
  if (!heap_.empty()) timer_.arm(heap_.front().due);
  letter.work();
}

}  // namespace sluice::log
