#include "common/event/time_text.hpp"

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "tests/common/event/refused.hpp"
#include "tests/support/seed.hpp"

namespace sluice::event {

using namespace std::chrono_literals;

TEST_CASE("an instant is written in UTC with milliseconds") {
  CHECK(time_text(Time{0ms}) == "1970-01-01T00:00:00.000Z");
  CHECK(time_text(Time{1'763'674'200'123ms}) == "2025-11-20T21:30:00.123Z");
  CHECK(time_text(Time{-1ms}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("what lies outside four digits of years becomes the nearest instant inside") {
  CHECK(time_text(Time::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(time_text(Time::min()) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("fractions up to nanoseconds are understood to the millisecond") {
  CHECK(parse_time("2025-11-20T21:30:00Z") == Time{1'763'674'200'000ms});
  CHECK(parse_time("2025-11-20T21:30:00.1Z") == Time{1'763'674'200'100ms});
  CHECK(parse_time("2025-11-20T21:30:00.123456789Z") == Time{1'763'674'200'123ms});
  CHECK(parse_time("2024-02-29T23:59:59.999Z"));
}

TEST_CASE("what is no such instant is refused") {
  for (const auto* text :
       {"", "2025-11-20", "2025-11-20T21:30:00", "2025-11-20T21:30:00.Z", "2025-11-20T21:30:00.1234567890Z",
        "2025-11-20T21:30:00+01:00", "2025-11-20 21:30:00Z", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z", "2025-11-20T24:00:00Z", "2025-11-20T21:60:00Z",
        "2025-11-20T21:30:60Z", "2025-11-20T21:30:00.12aZ", "2025-11-20T21:30:00ZZ", "-025-11-20T21:30:00Z"}) {
    CHECK(refused_as(parse_time(text), Kind::invalid));
  }
}

TEST_CASE("every instant is read back as it was written") {
  SeededRandom random{test_seed()};
  for (int round = 0; round < 5'000; ++round) {
    const Time time{
        std::chrono::milliseconds{static_cast<std::int64_t>(random.below(300'000'000'000'000)) - 60'000'000'000'000}};
    REQUIRE(parse_time(time_text(time)) == time);
  }
}

}  // namespace sluice::event
