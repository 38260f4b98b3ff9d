#include "workers/engine/retry_policy.hpp"

#include <doctest/doctest.h>

#include "tests/support/seed.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

TEST_CASE("a failed event is tried again in its lane within its bounds") {
  SeededRandom random{test_seed()};
  const RetrySettings settings;
  for (int round = 0; round < 2'000; ++round) {
    const auto first = lane_pause(settings, 1, 0s, {}, random);
    REQUIRE(first.has_value());
    CHECK(*first >= settings.lane_pause_min);
    CHECK(*first <= 2 * Duration{settings.lane_pause_min});
    const auto second = lane_pause(settings, 2, 1s, {}, random);
    REQUIRE(second.has_value());
    CHECK(*second >= settings.lane_pause_min);
    CHECK(*second <= 4 * Duration{settings.lane_pause_min});
  }
}

TEST_CASE("after the last try or without time for another it is parked") {
  SeededRandom random{test_seed()};
  const RetrySettings settings;

  CHECK_FALSE(lane_pause(settings, 3, 1s, {}, random).has_value());
  CHECK_FALSE(lane_pause(settings, 1, 30s, {}, random).has_value());
  CHECK_FALSE(lane_pause(settings, 1, 0s, 31s, random).has_value());
}

TEST_CASE("the other side's wait is honoured and never shortened") {
  SeededRandom random{test_seed()};
  const RetrySettings settings;
  for (int round = 0; round < 200; ++round) {
    CHECK(lane_pause(settings, 1, 0s, 20s, random) == Duration{20s});
    CHECK(*lane_pause(settings, 1, 0s, 1ms, random) >= settings.lane_pause_min);
    const auto parked = parked_pause(settings, 0, 10min, random);
    CHECK(parked >= 10min);
    CHECK(parked <= 11min);
  }
}

TEST_CASE("a parked one climbs the ladder and stays on its last step") {
  SeededRandom random{test_seed()};
  const RetrySettings settings;
  const std::vector<std::chrono::seconds> steps{1min, 5min, 30min, 2h, 2h, 2h};
  for (std::uint32_t tries = 0; tries < steps.size(); ++tries) {
    const Duration pause = parked_pause(settings, tries, {}, random);
    CHECK(pause >= steps[tries]);
    CHECK(pause <= steps[tries] * 11 / 10);
  }
  CHECK(parked_pause(settings, 1'000'000, {}, random) >= 2h);
}

TEST_CASE("pauses differ so that they do not come together") {
  SeededRandom random{test_seed()};
  const RetrySettings settings;

  CHECK(parked_pause(settings, 0, {}, random) != parked_pause(settings, 0, {}, random));
}
