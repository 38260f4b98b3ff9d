// A bounded queue between tasks of one loop. First in, first out, for the records and for those who wait.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "common/async/task.hpp"
#include "common/async/waiter.hpp"
#include "common/base/ensure.hpp"

namespace sluice {

template <class T>
class Queue {
 public:
  explicit Queue(std::size_t records_max) : records_max_(records_max) {
    ENSURE(records_max > 0, "a queue holds at least one record");
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // False when the queue is full or closed; the record is left untouched then.
  [[nodiscard]] bool try_push(T&& record) {
    if (closed_) return false;
    if (!poppers_.empty()) {
      hand_over(std::move(record));
      return true;
    }
    if (records_.size() >= records_max_) return false;
    records_.push_back(std::move(record));
    return true;
  }
  [[nodiscard]] bool try_push(const T& record) { return try_push(T{record}); }

  // Waits for room. False when the queue is closed before the record is in it. When cancelled it throws, and the record
  // is not in the queue.
  Task<bool> push(T record) {
    if (try_push(std::move(record))) co_return true;
    if (closed_) co_return false;
    Pusher pusher{std::move(record)};  // NOLINT(bugprone-use-after-move): what was not taken was not moved from
    pushers_.push_back(pusher);
    co_await pusher.wait();
    co_return pusher.accepted;
  }

  // Waits for a record. Nothing when the queue is closed and drained. When cancelled it throws and takes nothing; a
  // record that was already handed to it is returned all the same.
  Task<std::optional<T>> pop() {
    auto record = try_pop();
    if (record || closed_) co_return record;
    Popper popper;
    poppers_.push_back(popper);
    co_await popper.wait();
    co_return std::move(popper.record);
  }

  // Nothing when the queue is empty.
  [[nodiscard]] std::optional<T> try_pop() {
    if (records_.empty()) return std::nullopt;
    std::optional<T> record{std::move(records_.front())};
    records_.pop_front();
    admit_first_pusher();
    return record;
  }

  // Takes nothing more; what is in it can still be popped. Who waits for room gets false.
  void close() {
    closed_ = true;
    while (!pushers_.empty()) pushers_.front().wake();
    while (!poppers_.empty()) poppers_.front().wake();
  }

  [[nodiscard]] std::size_t size() const { return records_.size(); }
  [[nodiscard]] std::size_t records_max() const { return records_max_; }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  struct Pusher final : Waiter {
    explicit Pusher(T&& its_record) : record(std::move(its_record)) {}
    T record;
    bool accepted = false;
  };
  struct Popper final : Waiter {
    std::optional<T> record;
  };

  // Records pass directly from hand to hand, so nobody who comes later can overtake a waiter. Hence somebody waits to
  // pop only while the queue is empty, and to push only while it is full.
  void hand_over(T&& record) {
    auto& popper = static_cast<Popper&>(poppers_.front());
    popper.record.emplace(std::move(record));
    popper.wake();
  }
  void admit_first_pusher() {
    if (pushers_.empty()) return;
    auto& pusher = static_cast<Pusher&>(pushers_.front());
    records_.push_back(std::move(pusher.record));
    pusher.accepted = true;
    pusher.wake();
  }

  std::size_t records_max_;
  std::deque<T> records_;
  bool closed_ = false;
  WaitList pushers_;
  WaitList poppers_;
};

}  // namespace sluice
