// What a watchdog sees: handlers that go on past their deadline, a watermark that stands still although something is
// unfinished, a loop that stood still. It is told the time; it has no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include <boost/intrusive/list.hpp>

#include "common/async/timer.hpp"
#include "common/event/event.hpp"
#include "common/log/record.hpp"

namespace sluice::engine {

// A handler at work; it stands in the engine's list of them for as long as it lives.
struct Run : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Run(const event::Event& its_event, std::int32_t its_partition, Instant its_deadline)
      : event(its_event), partition(its_partition), deadline(its_deadline) {}

  const event::Event& event;
  const std::int32_t partition;
  const Instant deadline;
  bool told = false;  // that it is late
};
using Runs = boost::intrusive::list<Run, boost::intrusive::constant_time_size<false>>;

class WatermarkWatch {
 public:
  // Looked at regularly. Answers for how long the watermark has stood still with something unfinished.
  Duration look(log::Offset watermark, bool unfinished, Instant now) {
    if (!unfinished || watermark != stands_at_) {
      stands_at_ = watermark;
      since_ = now;
      told_ = false;
    }
    return now - since_;
  }
  [[nodiscard]] bool tell() { return !std::exchange(told_, true); }  // true once for each standstill

 private:
  log::Offset stands_at_ = -1;
  Instant since_{};
  bool told_ = false;
};

// How long the loop was busy with one thing when a timer comes late; none when that is no longer than `max`.
inline std::optional<Duration> standstill(Instant due, Instant now, Duration max) {
  return now - due > max ? std::optional<Duration>{now - due} : std::nullopt;
}

}  // namespace sluice::engine
