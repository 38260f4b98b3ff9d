// Chance as a seam: seeded in simulations and tests, from the system otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/async/timer.hpp"

namespace sluice {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  virtual std::uint64_t next() = 0;

  std::uint64_t below(std::uint64_t bound);       // uniform in [0, bound), bound > 0
  bool one_in(std::uint64_t n);                   // true once in n
  double unit();                                  // uniform in [0, 1)
  Duration between(Duration low, Duration high);  // uniform in [low, high]
};

class SystemRandom final : public Random {  // getrandom(2), buffered; used from one thread
 public:
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 32> buffer_{};
  std::size_t left_ = 0;
};

class SeededRandom final : public Random {  // xoshiro256**: the same sequence on every machine
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace sluice
