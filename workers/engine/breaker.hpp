// A circuit breaker: closed while calls work, open after too many failed, half-open for exactly one probe at a time. It
// is told what happened and when; it has no clock and no waiters.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

#include "common/async/random.hpp"
#include "common/async/timer.hpp"

namespace sluice::engine {

struct BreakerSettings {
  std::size_t failures_min = 5;
  double failure_share = 0.5;
  Duration window = std::chrono::seconds{10};
  Duration open_min = std::chrono::seconds{1};
  Duration open_max = std::chrono::seconds{60};
};

class Breaker {
 public:
  explicit Breaker(BreakerSettings settings) : settings_(settings) {}

  enum class Says : std::uint8_t { go, probe, no };
  [[nodiscard]] Says ask(Instant now);  // probe: this one call decides; report it with probed = true

  void succeeded(Instant now, bool probed);
  void failed(Instant now, bool probed, Random& random, std::optional<Duration> asked_to_wait = {});
  void abandoned(bool probed);                     // no verdict: the next one may probe
  void open_at_once(Instant now, Random& random);  // credentials refused

  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] Instant next_probe() const { return next_probe_; }  // only while open

 private:
  struct Call {
    Instant at;
    bool failed;
  };
  void open(Instant now, Random& random, std::optional<Duration> asked_to_wait);
  void forget_old(Instant now);

  BreakerSettings settings_;
  std::deque<Call> calls_;  // of the window
  std::size_t failures_ = 0;
  bool open_ = false;
  bool probing_ = false;
  Instant next_probe_{};
  Duration open_for_{};
};

}  // namespace sluice::engine
