#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "common/async/timer.hpp"
#include "tests/support/seed.hpp"

namespace sluice {
namespace {

// The naive timers: a sorted map, searched from end to end.
class Model {
 public:
  void arm(std::size_t timer, Instant due) {
    disarm(timer);
    armed_.insert({{due, order_++}, timer});
  }
  void disarm(std::size_t timer) {
    std::erase_if(armed_, [&](const auto& entry) { return entry.second == timer; });
  }
  std::vector<std::size_t> fire_due(Instant now) {
    std::vector<std::size_t> fired;
    while (!armed_.empty() && armed_.begin()->first.first <= now) {
      fired.push_back(armed_.begin()->second);
      armed_.erase(armed_.begin());
    }
    return fired;
  }
  [[nodiscard]] std::size_t size() const { return armed_.size(); }
  [[nodiscard]] Instant earliest() const { return armed_.begin()->first.first; }

 private:
  std::map<std::pair<Instant, std::uint64_t>, std::size_t> armed_;
  std::uint64_t order_ = 0;
};

TEST_CASE("the timer queue behaves as a sorted map") {
  constexpr std::size_t timers_max = 200;
  SeededRandom random{test_seed()};
  std::vector<std::size_t> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  timers.reserve(timers_max);
  TimerQueue queue{{}};
  Model model;
  for (std::size_t i = 0; i < timers_max; ++i) {
    timers.push_back(std::make_unique<Timer>(queue, [&fired, i] { fired.push_back(i); }));
  }
  Instant now{};

  for (int step = 0; step < 50'000; ++step) {
    const auto which = random.below(timers_max);
    const auto chance = random.below(10);
    if (chance < 6) {
      const auto due = now + Duration{random.below(50)};  // few different times, hence many equal ones
      timers[which]->arm(due);
      model.arm(which, due);
    } else if (chance < 8) {
      timers[which]->disarm();
      model.disarm(which);
    } else {
      now += Duration{random.below(20)};
      fired.clear();
      queue.fire_due(now);
      REQUIRE(fired == model.fire_due(now));
    }
    REQUIRE(queue.size() == model.size());
    if (!queue.empty()) REQUIRE(queue.earliest() == model.earliest());
  }
}

}  // namespace
}  // namespace sluice
