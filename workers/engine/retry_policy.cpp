#include "workers/engine/retry_policy.hpp"

#include <algorithm>

namespace sluice::engine {

std::optional<Duration> lane_pause(const RetrySettings& settings, std::uint32_t tries, Duration since_first,
                                   std::optional<std::chrono::milliseconds> asked, Random& random) {
  if (tries >= settings.lane_tries_max) return std::nullopt;
  constexpr std::uint32_t doublings_max = 16;
  const Duration doubled =
      Duration{settings.lane_pause_min} * (1U << std::min(tries > 0 ? tries - 1 : 0, doublings_max));
  const Duration top = std::min<Duration>(doubled * 2, settings.lane_pause_max);
  const Duration drawn = random.between(settings.lane_pause_min, std::max<Duration>(top, settings.lane_pause_min));
  const Duration pause = asked ? std::max<Duration>(drawn, *asked) : drawn;
  if (since_first + pause > settings.lane_total_max) return std::nullopt;
  return pause;
}

Duration parked_pause(const RetrySettings& settings, std::uint32_t tries,
                      std::optional<std::chrono::milliseconds> asked, Random& random) {
  const auto step = settings.ladder[std::min<std::size_t>(tries, settings.ladder.size() - 1)];
  const Duration pause = asked ? std::max<Duration>(step, *asked) : Duration{step};
  return pause + random.between(Duration{0}, pause / 10);
}

}  // namespace sluice::engine
