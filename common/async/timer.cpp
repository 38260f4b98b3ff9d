#include "common/async/timer.hpp"

#include <algorithm>
#include <utility>

#include "common/base/ensure.hpp"

namespace sluice {
namespace {
constexpr std::size_t children = 4;
}

Timer::Timer(TimerQueue& queue, std::function<void()> on_due) : queue_(queue), on_due_(std::move(on_due)) {}

Timer::~Timer() {
  ENSURE(!firing_, "a timer's callback must not destroy the timer");
  disarm();
}

void Timer::arm(Instant due) {
  if (armed()) queue_.remove(*this);
  queue_.insert(*this, due);
}

void Timer::disarm() {
  if (!armed()) return;
  queue_.remove(*this);
  if (queue_.empty() && queue_.emptied_) queue_.emptied_();
}

Instant Timer::due() const {
  ENSURE(armed(), "a timer that is not armed has no due time");
  return queue_.heap_[place_].due;
}

TimerQueue::TimerQueue(std::function<void(Instant)> earliest_changed, std::function<void()> emptied)
    : earliest_changed_(std::move(earliest_changed)), emptied_(std::move(emptied)) {}

TimerQueue::~TimerQueue() {
  for (const auto& entry : heap_) entry.timer->place_ = Timer::nowhere;
}

Instant TimerQueue::earliest() const {
  ENSURE(!heap_.empty(), "an empty timer queue has no earliest time");
  return heap_.front().due;
}

void TimerQueue::fire_due(Instant now) {
  const auto armed_before = armed_so_far_;
  while (!heap_.empty() && heap_.front().due <= now && heap_.front().order < armed_before) {
    auto& timer = *heap_.front().timer;
    remove(timer);
    timer.firing_ = true;
    timer.on_due_();
    timer.firing_ = false;
  }
}

void TimerQueue::insert(Timer& timer, Instant due) {
  const Entry entry{due, armed_so_far_++, &timer};
  heap_.push_back(entry);
  sift_up(heap_.size() - 1, entry);
  if (timer.place_ == 0 && earliest_changed_) earliest_changed_(due);
}

void TimerQueue::remove(Timer& timer) {
  const auto place = std::exchange(timer.place_, Timer::nowhere);
  const auto last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;  // it was the last itself
  if (place > 0 && last.before(heap_[(place - 1) / children])) {
    sift_up(place, last);
  } else {
    sift_down(place, last);
  }
}

void TimerQueue::sift_up(std::size_t place, Entry entry) {
  while (place > 0) {
    const auto parent = (place - 1) / children;
    if (!entry.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerQueue::sift_down(std::size_t place, Entry entry) {
  for (;;) {
    const auto first = place * children + 1;
    if (first >= heap_.size()) break;
    const auto end = std::min(first + children, heap_.size());
    auto least = first;
    for (auto child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(entry)) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, entry);
}

void TimerQueue::put(std::size_t place, const Entry& entry) {
  heap_[place] = entry;
  entry.timer->place_ = place;
}

}  // namespace sluice
