// How much a dependency takes: how many calls at the same time, and how many a second. Pure; the time is told.
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/async/timer.hpp"

namespace sluice::engine {

// Additive increase, multiplicative decrease: one more after as many good calls as there are places, half as many after
// a call that was throttled or found the other side sick; at most once per round of calls.
class ConcurrencyLimit {
 public:
  ConcurrencyLimit(std::size_t start, std::size_t max) : limit_(std::min(start, max)), max_(max) {}

  [[nodiscard]] std::size_t limit() const { return limit_; }
  void good() {
    if (++good_ < limit_) return;
    good_ = 0;
    limit_ = std::min(limit_ + 1, max_);
    since_cut_ = limit_;
  }
  void bad() {
    good_ = 0;
    if (++since_cut_ < limit_) return;
    since_cut_ = 0;
    limit_ = std::max<std::size_t>(1, limit_ / 2);
  }

 private:
  std::size_t limit_;
  std::size_t max_;
  std::size_t good_ = 0;
  std::size_t since_cut_ = static_cast<std::size_t>(-1) / 2;  // the first bad call always counts
};

class TokenBucket {
 public:
  TokenBucket(double per_second, double burst)
      : per_second_(per_second), burst_(std::max(1.0, burst)), tokens_(burst_) {}

  [[nodiscard]] bool unlimited() const { return per_second_ <= 0; }

  // How long until there is one; zero: there is one now, and take() takes it.
  [[nodiscard]] Duration wait(Instant now) {
    fill(now);
    if (unlimited() || tokens_ >= 1) return Duration{};
    return Duration{static_cast<Duration::rep>((1 - tokens_) / per_second_ * 1e9) + 1};
  }
  void take() {
    if (!unlimited()) tokens_ -= 1;
  }

 private:
  void fill(Instant now) {
    if (known_) tokens_ = std::min(burst_, tokens_ + per_second_ * std::chrono::duration<double>(now - at_).count());
    known_ = true;
    at_ = now;
  }

  double per_second_;
  double burst_;
  double tokens_;
  bool known_ = false;
  Instant at_{};
};

}  // namespace sluice::engine
