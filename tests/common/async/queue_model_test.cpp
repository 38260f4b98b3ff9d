#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/queue.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

// How an operation stands: waiting, cancelled, or ended with this record (-1: with "closed").
struct QueueFate {
  enum class State : std::uint8_t { waiting, cancelled, ended } state = State::waiting;
  int record = -1;
  bool operator==(const QueueFate&) const = default;
};

// The naive queue: whole lists of who waits, and after every change whatever can happen happens.
class QueueModel {
 public:
  explicit QueueModel(std::size_t records_max) : records_max_(records_max) {}

  std::size_t push(int record) {
    pushers_.push_back(begin());
    pushed_[pushers_.back()] = record;
    settle();
    return fates_.size() - 1;
  }
  std::size_t pop() {
    poppers_.push_back(begin());
    settle();
    return fates_.size() - 1;
  }
  void cancel(std::size_t operation) {
    if (fates_[operation].state != QueueFate::State::waiting) return;
    fates_[operation].state = QueueFate::State::cancelled;
    std::erase(pushers_, operation);
    std::erase(poppers_, operation);
  }
  void close() {
    closed_ = true;
    settle();
  }
  [[nodiscard]] const std::vector<QueueFate>& fates() const { return fates_; }
  [[nodiscard]] std::size_t size() const { return records_.size(); }

 private:
  std::size_t begin() {
    fates_.emplace_back();
    pushed_.push_back(-1);
    return fates_.size() - 1;
  }
  void end(std::deque<std::size_t>& waiting, int record) {
    fates_[waiting.front()] = {QueueFate::State::ended, record};
    waiting.pop_front();
  }
  void settle() {
    if (closed_) {
      while (!pushers_.empty()) end(pushers_, -1);
    }
    for (bool moved = true; moved;) {
      moved = false;
      if (!pushers_.empty() && records_.size() < records_max_) {
        records_.push_back(pushed_[pushers_.front()]);
        end(pushers_, records_.back());
        moved = true;
      }
      if (!poppers_.empty() && !records_.empty()) {
        const int record = records_.front();
        records_.pop_front();
        end(poppers_, record);
        moved = true;
      }
    }
    if (closed_) {
      while (!poppers_.empty()) end(poppers_, -1);
    }
  }

  std::size_t records_max_;
  std::deque<int> records_;
  std::deque<std::size_t> pushers_;
  std::deque<std::size_t> poppers_;
  std::vector<int> pushed_;
  std::vector<QueueFate> fates_;
  bool closed_ = false;
};

// One running push or pop, told the way the model tells it.
struct Real {
  std::unique_ptr<Operation<bool>> push;
  std::unique_ptr<Operation<std::optional<int>>> pop;
  int record = -1;

  void cancel() const {
    if (push) push->cancel();
    if (pop) pop->cancel();
  }
  [[nodiscard]] QueueFate fate() const {
    if (push ? push->running() : pop->running()) return {};
    if (push ? push->cancelled() : pop->cancelled()) return {QueueFate::State::cancelled};
    if (push) return {QueueFate::State::ended, *push->value() ? record : -1};
    return {QueueFate::State::ended, pop->value()->value_or(-1)};
  }
};

class Game {
 public:
  Game(std::uint64_t seed, std::size_t records_max) : world_(seed), queue_(records_max), model_(records_max) {}

  void push() {
    const int record = next_record_++;
    real_.push_back({std::make_unique<Operation<bool>>(world_.loop, queue_.push(record)), nullptr, record});
    model_.push(record);
  }
  void pop() {
    real_.push_back({nullptr, std::make_unique<Operation<std::optional<int>>>(world_.loop, queue_.pop())});
    model_.pop();
  }
  void cancel_any() {
    if (real_.empty()) return;
    const auto which = world_.random.below(real_.size());
    real_[which].cancel();
    model_.cancel(which);
  }
  void close() {
    queue_.close();
    model_.close();
  }
  void step() {
    const auto chance = world_.random.below(100);
    if (chance < 40) {
      push();
    } else if (chance < 80) {
      pop();
    } else {
      cancel_any();
    }
    world_.clock.run_until_idle();
  }
  [[nodiscard]] bool agrees() const {
    for (std::size_t i = 0; i < real_.size(); ++i) {
      if (!(real_[i].fate() == model_.fates()[i])) return false;
    }
    return queue_.size() == model_.size();
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return world_.random.below(bound); }
  void end() {
    for (const auto& operation : real_) operation.cancel();
    world_.clock.run_until_idle();
  }

 private:
  SimulatedWorld world_;
  Queue<int> queue_;
  QueueModel model_;
  std::vector<Real> real_;
  int next_record_ = 0;
};

TEST_CASE("the queue behaves as the naive queue whatever is cancelled when") {
  for (std::uint64_t round = 0; round < 60; ++round) {
    Game game{test_seed() + round, 1 + round % 4};
    for (int step = 0; step < 150; ++step) {
      game.step();
      REQUIRE_MESSAGE(game.agrees(), "round " << round << " step " << step);
    }
    game.close();
    for (int step = 0; step < 20; ++step) {
      game.step();
      REQUIRE_MESSAGE(game.agrees(), "closed, round " << round << " step " << step);
    }
    game.end();
  }
}

struct Tally {
  std::vector<int> accepted;
  std::vector<int> taken;
};

Task<> push_and_tally(Queue<int>& queue, int record, Tally& tally) {
  const bool accepted = co_await queue.push(record);
  if (accepted) tally.accepted.push_back(record);
}

Task<> pop_and_tally(Queue<int>& queue, Tally& tally) {
  const auto record = co_await queue.pop();
  if (record) tally.taken.push_back(*record);
}

TEST_CASE("no record is lost or doubled when cancellations hit between hand-over and resumption") {
  for (std::uint64_t round = 0; round < 200; ++round) {
    SimulatedWorld world{test_seed() + round};
    Queue<int> queue{1 + round % 3};
    Tally tally;
    std::deque<Scope> scopes;
    for (int step = 0; step < 100; ++step) {
      auto& scope = scopes.emplace_back(world.loop);
      if (world.random.one_in(2)) {
        scope.start(push_and_tally(queue, step, tally));
      } else {
        scope.start(pop_and_tally(queue, tally));
      }
      for (auto ready = world.random.below(4); ready > 0; --ready) world.loop.run_one_ready();
      if (world.random.one_in(3)) scopes[world.random.below(scopes.size())].cancel();
    }
    for (auto& scope : scopes) scope.cancel();
    world.clock.run_until_idle();
    while (const auto record = queue.try_pop()) tally.taken.push_back(*record);

    std::sort(tally.accepted.begin(), tally.accepted.end());
    std::sort(tally.taken.begin(), tally.taken.end());
    REQUIRE(tally.taken == tally.accepted);
  }
}

}  // namespace
}  // namespace sluice
