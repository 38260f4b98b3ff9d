#include <deque>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/semaphore.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

enum class CallerFate : std::uint8_t { waiting, cancelled, holding, released };

// The naive semaphore: whole lists of who waits and who holds.
class SemaphoreModel {
 public:
  explicit SemaphoreModel(std::size_t permits) : free_(permits) {}

  void acquire() {
    fates_.push_back(CallerFate::waiting);
    settle();
  }
  void cancel(std::size_t who) {
    if (fates_[who] == CallerFate::waiting) fates_[who] = CallerFate::cancelled;
  }
  void release(std::size_t who) {
    fates_[who] = CallerFate::released;
    ++free_;
    settle();
  }
  [[nodiscard]] const std::vector<CallerFate>& fates() const { return fates_; }
  [[nodiscard]] std::size_t free() const { return free_; }

 private:
  void settle() {
    for (auto& fate : fates_) {
      if (fate != CallerFate::waiting || free_ == 0) continue;
      --free_;
      fate = CallerFate::holding;
    }
  }

  std::size_t free_;
  std::vector<CallerFate> fates_;
};

struct Holder {
  std::unique_ptr<Operation<Permit>> acquire;
  bool released = false;

  [[nodiscard]] CallerFate fate() const {
    if (released) return CallerFate::released;
    if (acquire->running()) return CallerFate::waiting;
    return acquire->cancelled() ? CallerFate::cancelled : CallerFate::holding;
  }
};

TEST_CASE("the semaphore behaves as the naive semaphore whatever is cancelled when") {
  for (std::uint64_t round = 0; round < 60; ++round) {
    SimulatedWorld world{test_seed() + round};
    const auto permits = static_cast<std::size_t>(round % 4);
    Semaphore semaphore{permits};
    SemaphoreModel model{permits};
    std::vector<Holder> holders;
    for (int step = 0; step < 150; ++step) {
      const auto which = holders.empty() ? 0 : world.random.below(holders.size());
      const auto chance = world.random.below(10);
      if (holders.empty() || chance < 4) {
        holders.push_back({std::make_unique<Operation<Permit>>(world.loop, semaphore.acquire())});
        model.acquire();
      } else if (chance < 6) {
        holders[which].acquire->cancel();
        model.cancel(which);
      } else if (holders[which].fate() == CallerFate::holding) {
        holders[which].acquire->value()->release();
        holders[which].released = true;
        model.release(which);
      }
      world.clock.run_until_idle();

      for (std::size_t i = 0; i < holders.size(); ++i) REQUIRE(holders[i].fate() == model.fates()[i]);
      REQUIRE(semaphore.available() == model.free());
    }
    for (const auto& holder : holders) holder.acquire->cancel();
    world.clock.run_until_idle();
  }
}

}  // namespace
}  // namespace sluice
