#include "common/store/packed_headers.hpp"

#include <string>

#include <doctest/doctest.h>

namespace sluice::store {

TEST_CASE("headers come back with repeated names and absent values and any bytes") {
  const Headers headers{{"ce_id", "a"},
                        {"foreign", std::nullopt},
                        {"foreign", ""},
                        {"", std::string("\0\xFF|", 3)},
                        {"long", std::string(70'000, 'x')}};

  const auto unpacked = unpack(pack(headers));

  REQUIRE(unpacked.has_value());
  CHECK(*unpacked == headers);
}

TEST_CASE("no headers are no bytes") {
  CHECK(pack({}).empty());
  CHECK(unpack("")->empty());
}

TEST_CASE("headers that were cut anywhere between two of them are corrupt") {
  const auto whole = pack({{"name", "value"}});
  for (std::size_t length = 1; length < whole.size(); ++length) {
    CAPTURE(length);
    const auto unpacked = unpack(std::string_view{whole}.substr(0, length));
    REQUIRE_FALSE(unpacked.has_value());
    CHECK(unpacked.error().kind == Kind::corrupt);
  }
}

TEST_CASE("a header whose value is neither there nor absent is corrupt") {
  auto bytes = pack({{"name", std::nullopt}});
  bytes.back() = 2;

  CHECK_FALSE(unpack(bytes).has_value());
}

}  // namespace sluice::store
