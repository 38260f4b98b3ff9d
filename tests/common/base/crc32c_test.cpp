#include "common/base/crc32c.hpp"

#include <string>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "tests/support/seed.hpp"

namespace sluice {
namespace {

std::string random_bytes(Random& random, std::size_t length) {
  std::string bytes(length, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

TEST_CASE("the checksum gives the published values") {
  // "123456789" is the check value of every catalogue; the others are from RFC 3720, B.4.
  std::string rising;
  std::string falling;
  for (int byte = 0; byte < 32; ++byte) {
    rising += static_cast<char>(byte);
    falling += static_cast<char>(31 - byte);
  }

  for (auto* checksum : {crc32c, crc32c_by_table}) {
    CHECK(checksum("", 0) == 0);
    CHECK(checksum("123456789", 0) == 0xE3069283U);
    CHECK(checksum(std::string(32, '\x00'), 0) == 0x8A9136AAU);
    CHECK(checksum(std::string(32, '\xFF'), 0) == 0x62A8AB43U);
    CHECK(checksum(rising, 0) == 0x46DD794EU);
    CHECK(checksum(falling, 0) == 0x113FDB5CU);
  }
}

TEST_CASE("the instruction and the table agree at every length") {
  SeededRandom random{test_seed()};

  for (std::size_t length = 0; length < 300; ++length) {
    const auto bytes = random_bytes(random, length);

    CHECK(crc32c(bytes) == crc32c_by_table(bytes));
  }
}

TEST_CASE("the checksum of pieces is the checksum of the whole") {
  SeededRandom random{test_seed()};

  for (int round = 0; round < 200; ++round) {
    const std::string whole = random_bytes(random, 1 + random.below(100));
    const auto cut = random.below(whole.size() + 1);
    const std::string_view view = whole;

    CHECK(crc32c(view.substr(cut), crc32c(view.substr(0, cut))) == crc32c(whole));
    CHECK(crc32c_by_table(view.substr(cut), crc32c_by_table(view.substr(0, cut))) == crc32c(whole));
  }
}

TEST_CASE("one flipped bit changes the checksum") {
  SeededRandom random{test_seed()};
  auto bytes = random_bytes(random, 64);
  const auto before = crc32c(bytes);

  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = static_cast<char>(1U << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    CHECK(crc32c(bytes) != before);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
}

}  // namespace
}  // namespace sluice
