#include "workers/engine/breaker.hpp"

#include <algorithm>

namespace sluice::engine {

Breaker::Says Breaker::ask(Instant now) {
  if (!open_) return Says::go;
  if (probing_ || now < next_probe_) return Says::no;
  probing_ = true;
  return Says::probe;
}

void Breaker::forget_old(Instant now) {
  constexpr std::size_t calls_max = 1'000;  // of a busy dependency the last thousand say enough
  while (!calls_.empty() && (calls_.front().at + settings_.window < now || calls_.size() > calls_max)) {
    if (calls_.front().failed) --failures_;
    calls_.pop_front();
  }
}

void Breaker::succeeded(Instant now, bool probed) {
  if (probed) {
    open_ = false;
    probing_ = false;
    open_for_ = Duration{};
    calls_.clear();
    failures_ = 0;
  }
  if (open_) return;  // a call from before it opened
  calls_.push_back({now, false});
  forget_old(now);
}

void Breaker::failed(Instant now, bool probed, Random& random, std::optional<Duration> asked_to_wait) {
  if (probed) {
    probing_ = false;
    open(now, random, asked_to_wait);
    return;
  }
  if (open_) return;
  calls_.push_back({now, true});
  ++failures_;
  forget_old(now);
  const bool enough = failures_ >= settings_.failures_min;
  if (enough && static_cast<double>(failures_) >= settings_.failure_share * static_cast<double>(calls_.size())) {
    open(now, random, asked_to_wait);
  }
}

void Breaker::abandoned(bool probed) {
  if (probed) probing_ = false;
}

void Breaker::open_at_once(Instant now, Random& random) {
  probing_ = false;
  open(now, random, {});
}

void Breaker::open(Instant now, Random& random, std::optional<Duration> asked_to_wait) {
  open_for_ = open_for_ == Duration{} ? settings_.open_min : std::min(open_for_ * 2, settings_.open_max);
  open_ = true;
  const Duration pause = open_for_ + random.between(Duration{}, open_for_ / 10);
  next_probe_ = now + std::max(pause, asked_to_wait.value_or(Duration{}));
  calls_.clear();
  failures_ = 0;
}

}  // namespace sluice::engine
