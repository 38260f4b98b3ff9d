// What is under way in a simulated network: each piece of work happens at its due time, equal ones in the order in
// which they were sent.
#pragma once

#include <cstdint>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/work.hpp"

namespace sluice::log {

class SimulatedMail {
 public:
  explicit SimulatedMail(Clock& clock);

  void send(Instant due, Work work);

 private:
  struct Letter {
    Instant due;
    std::uint64_t number;
    Work work;
  };
  static bool later(const Letter& one, const Letter& other);
  void deliver();  // one letter: what it made ready runs before the next one

  Clock& clock_;
  std::vector<Letter> heap_;
  std::uint64_t sent_ = 0;
  Timer timer_;
};

}  // namespace sluice::log
