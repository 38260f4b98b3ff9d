#include "common/async/random.hpp"

#include <bit>

#include <sys/random.h>

#include "common/base/ensure.hpp"

namespace sluice {

std::uint64_t Random::below(std::uint64_t bound) {
  ENSURE(bound > 0, "a random number below zero was asked for");
  // The lowest 2^64 mod bound numbers are refused: with them the small remainders would come more often.
  const std::uint64_t refused = (0 - bound) % bound;
  for (;;) {
    const auto number = next();
    if (number >= refused) return number % bound;
  }
}

bool Random::one_in(std::uint64_t n) {
  return below(n) == 0;
}

double Random::unit() {
  return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

Duration Random::between(Duration low, Duration high) {
  ENSURE(low <= high, "a random duration from an empty range was asked for");
  const auto span = static_cast<std::uint64_t>(high.count()) - static_cast<std::uint64_t>(low.count());
  const auto offset = span == ~std::uint64_t{0} ? next() : below(span + 1);
  return Duration{static_cast<Duration::rep>(static_cast<std::uint64_t>(low.count()) + offset)};
}

std::uint64_t SystemRandom::next() {
  if (left_ == 0) {
    const auto wanted = sizeof buffer_;  // at most 256 bytes come whole and uninterrupted, hence 32 numbers
    ENSURE(getrandom(buffer_.data(), wanted, 0) == static_cast<ssize_t>(wanted), "the system gives no random bytes");
    left_ = buffer_.size();
  }
  return buffer_[--left_];
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  // splitmix64, as the authors of xoshiro256** advise: it never leaves the state at all zeros.
  for (auto& word : state_) {
    seed += 0x9E3779B97F4A7C15U;
    auto mixed = seed;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    word = mixed ^ (mixed >> 31U);
  }
}

std::uint64_t SeededRandom::next() {
  const auto number = std::rotl(state_[1] * 5, 7) * 9;
  const auto shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return number;
}

}  // namespace sluice
