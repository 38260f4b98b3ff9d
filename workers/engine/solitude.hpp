// Being the only one that runs a handler in this process: an event is only convicted of killing the process when nobody
// else can have done it. Shared by the engines of one process; on one loop's thread.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "common/async/signal.hpp"
#include "common/async/task.hpp"
#include "workers/engine/parked_index.hpp"

namespace sluice::engine {

class Solitude {
 public:
  struct Who {
    const void* engine = nullptr;
    LaneId lane = 0;
    bool operator==(const Who&) const = default;
  };

  // Gives back on destruction; outlives nothing of the Solitude it came from.
  class Stay {
   public:
    Stay() = default;
    Stay(Stay&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Stay& operator=(Stay&&) = delete;
    ~Stay() {
      if (of_ != nullptr) of_->give_back();
    }

   private:
    friend class Solitude;
    explicit Stay(Solitude* of) : of_(of) {}
    Solitude* of_ = nullptr;
  };

  [[nodiscard]] bool is_alone(Who who) const { return alone_ == who; }
  [[nodiscard]] bool keeps_out(Who who) const { return taken_ && alone_ != who; }
  // Who waited here may be the one who is alone by now: a conversation has more to run than the event on trial.
  Task<> until_let_in(Who who) {
    while (keeps_out(who)) co_await changed_.wait();
  }

  // Returns when nobody runs any more; from the call on nobody else begins.
  Task<Stay> take(Who who) {
    while (taken_) co_await changed_.wait();
    taken_ = true;
    Stay stay{this};
    while (running_ > 0) co_await changed_.wait();
    alone_ = who;
    changed_.notify_all();
    co_return stay;
  }

 private:
  friend class Presence;
  void begins() { ++running_; }
  void ends() {
    if (--running_ == 0 && taken_) changed_.notify_all();
  }
  void give_back() {
    taken_ = false;
    alone_.reset();
    changed_.notify_all();
  }

  bool taken_ = false;
  std::optional<Who> alone_;  // once nobody else runs
  std::size_t running_ = 0;
  Signal changed_;
};

// Around each run of a handler but that of the one who is alone.
class Presence {
 public:
  Presence(Solitude& solitude, Solitude::Who who) : solitude_(solitude.is_alone(who) ? nullptr : &solitude) {
    if (solitude_ != nullptr) solitude_->begins();
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() {
    if (solitude_ != nullptr) solitude_->ends();
  }

 private:
  Solitude* solitude_;
};

}  // namespace sluice::engine
