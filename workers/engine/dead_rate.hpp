// A breaker on the rate of dead letters: when most of a tenant's events die of one mistake within a minute, the mistake
// is ours or the other side's, and burying the rest would only make work. It is told what happened and when; it has no
// clock. Each process counts what it sees itself.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "common/async/timer.hpp"

namespace sluice::engine {

struct DeadRateSettings {
  std::uint32_t letters_min = 50;  // of one tenant and fingerprint within the window, and
  double share_above = 0.5;        // more than this share of what that tenant's events came to
  std::chrono::seconds window{60};
  std::chrono::seconds probe_pause{60};  // while a tenant is paused, one event is tried so often
};

class DeadRate {
 public:
  explicit DeadRate(DeadRateSettings settings) : settings_(settings) {}

  // An event came to its end without a letter.
  void ended(const std::string& tenant, Instant now);

  // One is about to become a dead letter. True: it must not, the rate is reached with it, and it is not counted.
  bool trips(const std::string& tenant, const std::string& fingerprint, Instant now);

  void forget(const std::string& tenant);  // counting begins anew

 private:
  static constexpr int slices = 6;  // of the window; it forgets one at a time
  static constexpr std::size_t tenants_max = 10'000;
  static constexpr std::size_t fingerprints_max = 100;  // of one tenant and slice; more than that is no single mistake

  struct Slice {
    std::int64_t number = -1;
    std::uint32_t events = 0;
    std::map<std::string, std::uint32_t, std::less<>> letters;
  };
  using Slices = std::array<Slice, slices>;

  [[nodiscard]] std::int64_t number_of(Instant now) const;
  Slice& current(const std::string& tenant, Instant now);

  DeadRateSettings settings_;
  std::unordered_map<std::string, Slices> tenants_;
};

}  // namespace sluice::engine
