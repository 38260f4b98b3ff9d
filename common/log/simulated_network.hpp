// What lies between the processes and the broker of a simulated world: messages take time, get held up, arrive when
// nobody is there, and their answers get lost.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/base/result.hpp"
#include "common/log/simulated_faults.hpp"
#include "common/log/simulated_mail.hpp"
#include "common/log/simulated_process.hpp"

namespace sluice::log {

class SimulatedNetwork {
 public:
  SimulatedNetwork(Loop& loop, Clock& clock, Random& random)
      : faults(random), loop_(loop), clock_(clock), mail_(clock) {}

  // To the broker: `at_broker` runs on arrival. Channel by channel in the order of sending.
  enum class WhenAway : std::uint8_t { refused, waits };  // runs all the same and asks away(), or arrives afterwards
  void request(const std::shared_ptr<SimulatedProcess>& from, std::vector<SimulatedProcess::Channel> channels,
               WhenAway when_away, Work at_broker);

  // To the process: in no order. It runs when the process is able to, if it ever is.
  void answer(const std::shared_ptr<SimulatedProcess>& to, Work at_process);

  void at(Instant due, Work work) { mail_.send(due, std::move(work)); }  // something that happens by itself

  // What becomes of a write that arrives now.
  enum class Fate : std::uint8_t { done, unavailable, exhausted, maybe_written, maybe_not };
  [[nodiscard]] Fate fate_of_write();
  [[nodiscard]] static bool is_written(Fate fate) { return fate == Fate::done || fate == Fate::maybe_written; }
  [[nodiscard]] static Failure failure_of(Fate fate);
  [[nodiscard]] bool refuses_reading() { return away() || faults.strikes(Fault::unavailable); }
  [[nodiscard]] bool refuses_appends() { return now() < jammed_until_ || faults.strikes(Fault::overloaded); }

  void outage(Duration time);     // nobody answers
  void full_disk(Duration time);  // writes are exhausted
  void jam(Duration time);        // appends are overloaded
  void heal();                    // ends the three, and all faults
  [[nodiscard]] bool away() const { return now() < away_until_; }
  [[nodiscard]] Instant back_at() const { return away_until_; }

  [[nodiscard]] Instant now() const { return clock_.now(); }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] Loop& loop() { return loop_; }

  // One line of history, if somebody listens.
  void step(const SimulatedProcess* who, std::string_view what);

  SimulatedFaults faults;
  std::function<void(const std::string&)> on_step;

 private:
  void arrive(const std::shared_ptr<SimulatedProcess>& from, const std::shared_ptr<SimulatedProcess::Request>& request,
              WhenAway when_away);

  Loop& loop_;
  Clock& clock_;
  SimulatedMail mail_;
  Instant away_until_{};
  Instant full_until_{};
  Instant jammed_until_{};
};

}  // namespace sluice::log
