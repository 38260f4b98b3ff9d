#include <doctest/doctest.h>

#include "common/event/event.hpp"
#include "tests/common/event/random_event.hpp"
#include "tests/common/event/refused.hpp"
#include "tests/support/seed.hpp"

namespace sluice::event {

TEST_CASE("whatever an event holds it is the same after a round trip and so are its bytes") {
  SeededRandom random{test_seed()};
  for (int round = 0; round < 3'000; ++round) {
    const Event event = random_event(random);

    const auto encoded = encode(event);
    CAPTURE(refusal(encoded));
    REQUIRE(encoded);
    const auto decoded = decode(*encoded);
    CAPTURE(refusal(decoded));

    REQUIRE(decoded);
    REQUIRE(*decoded == event);
    REQUIRE(encode(*decoded) == *encoded);
  }
}

TEST_CASE("a record with one byte changed is refused or read as something that holds a round trip") {
  SeededRandom random{test_seed() + 1};
  for (int round = 0; round < 5'000; ++round) {
    auto record = encode(random_event(random)).value();
    auto& header = record.headers[random.below(record.headers.size())].value;
    auto& part = header && random.one_in(2) ? *header : record.value;
    if (!part.empty()) part[random.below(part.size())] = static_cast<char>(random.below(256));

    const auto decoded = decode(record);

    if (!decoded) {
      REQUIRE(decoded.error().kind == Kind::corrupt);
      continue;
    }
    const auto again = encode(*decoded);
    REQUIRE(again);
    REQUIRE(decode(*again) == *decoded);
  }
}

}  // namespace sluice::event
