// One process in the simulation: what it sent and what reaches it. It can stand still and it can die.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/random.hpp"
#include "common/async/signal.hpp"
#include "common/async/task.hpp"
#include "common/async/work.hpp"

namespace sluice::log {

class SimulatedBroker;

// What becomes of the calls on the log of a process that has died.
enum class AfterCrash : std::uint8_t {
  silent,   // they never answer; their tasks can be cancelled and destroyed
  failing,  // new ones answer stopping at once, consumers are Broken; those under way never answer
};

class SimulatedProcess : public std::enable_shared_from_this<SimulatedProcess> {
 public:
  // Whatever one process sends through one channel arrives in the order of sending: one for each partition, by the
  // number that the store gave it, and one for commits and all other matters of groups.
  using Channel = std::int64_t;
  static constexpr Channel group_matters = 0;

  // On its way to the broker. A crash loses some of them, and all that a process which stood still had not sent yet:
  // behind the first loss in a channel nothing arrives.
  struct Request {
    std::vector<Channel> channels;
    Work at_broker;
    bool leaves_at_thaw = false;
    bool lost = false;
  };

  SimulatedProcess(SimulatedBroker& its_broker, std::string name) : broker(&its_broker), name_(std::move(name)) {}

  // From the network: runs now, when the process thaws, or never.
  void receive(Work work);

  // One more call or notice; false when the process is dead, or dies of it as die_at asked.
  [[nodiscard]] bool exchange();

  void freeze(Instant now, Instant until);
  void thaw();
  void lose_broker();  // the simulation ends: nothing will ever come
  void crash(AfterCrash after, Random& random);
  void die_at(std::uint64_t exchanges, std::function<void()> die);  // `die` has to call crash()

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] bool fails_calls() const { return dead_ && after_ == AfterCrash::failing; }
  [[nodiscard]] Instant frozen_since() const { return frozen_since_; }
  [[nodiscard]] Instant frozen_until() const { return frozen_until_; }
  [[nodiscard]] Instant departure(Instant now) const { return frozen_ ? frozen_until_ : now; }  // of what it sends

  SimulatedBroker* broker;        // nullptr when there is none any more
  std::deque<Request*> requests;  // under way, in the order of sending; the mail owns them
  std::map<Channel, Instant> channel_busy_until;
  std::size_t appends_in_flight = 0;
  bool closed = false;
  Signal changed;  // a member may have something to tell, or an append was answered

 private:
  std::string name_;
  bool dead_ = false;
  AfterCrash after_ = AfterCrash::silent;
  bool frozen_ = false;
  Instant frozen_since_{};
  Instant frozen_until_{};
  std::deque<Work> held_;  // what came while it stood still
  std::uint64_t exchanges_left_ = 0;
  std::function<void()> die_;
};

// What a call of a dead process does: it waits until its task is cancelled or destroyed.
Task<> silence();

}  // namespace sluice::log
