// How long a failed event waits, and when its conversation is parked.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/async/random.hpp"
#include "common/async/timer.hpp"

namespace sluice::engine {

struct RetrySettings {
  std::uint32_t lane_tries_max = 3;
  std::chrono::milliseconds lane_pause_min{500};
  std::chrono::milliseconds lane_pause_max{8'000};
  std::chrono::milliseconds lane_total_max{30'000};
  std::vector<std::chrono::seconds> ladder{std::chrono::minutes{1}, std::chrono::minutes{5}, std::chrono::minutes{30},
                                           std::chrono::hours{2}};  // the last step repeats
  std::chrono::hours park_max{72};                                  // without the time under an open breaker or a pause
};

// In the lane: how long to wait before the next try, or none when it is time to park. `tries` have failed, the first
// one `since_first` ago; `asked` is what the other side wants.
std::optional<Duration> lane_pause(const RetrySettings& settings, std::uint32_t tries, Duration since_first,
                                   std::optional<std::chrono::milliseconds> asked, Random& random);

// Parked: how long until the next try after `tries` of them, up to a tenth more so that they don't come together.
Duration parked_pause(const RetrySettings& settings, std::uint32_t tries,
                      std::optional<std::chrono::milliseconds> asked, Random& random);

}  // namespace sluice::engine
