#include "common/event/partition.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>

namespace sluice::event {

TEST_CASE("murmur2 is the one of Kafka's Java client") {
  // From org.apache.kafka.common.utils.UtilsTest.
  CHECK(murmur2("21") == -973932308);
  CHECK(murmur2("foobar") == -790332482);
  CHECK(murmur2("a-little-bit-long-string") == -985981536);
  CHECK(murmur2("a-little-bit-longer-string") == -1486304829);
  CHECK(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(murmur2("abc") == 479470107);
}

TEST_CASE("bytes above 127 and every length of the tail are hashed as Java hashes them") {
  CHECK(murmur2("") == 275646681);
  CHECK(murmur2("a") == -1563381124);
  CHECK(murmur2("\xFF") == -311467685);
  CHECK(murmur2("\xC3\xA9\xC3\xA8\xC3\xAA") == -1401640301);
}

TEST_CASE("a partition is never negative and the same key keeps its partition") {
  CHECK(partition_of("foobar", 32) == (-790332482 & 0x7FFFFFFF) % 32);
  CHECK(partition_of("abc", 32) == 479470107 % 32);
  CHECK(partition_of("anything", 1) == 0);
}

TEST_CASE("keys of conversations spread over all partitions") {
  std::array<int, 32> taken{};

  for (int person = 0; person < 3200; ++person) {
    const auto key = "default|whatsapp:+31201234567|whatsapp:+316" + std::to_string(10'000'000 + person * 7919);
    ++taken[static_cast<std::size_t>(partition_of(key, 32))];
  }

  for (const int count : taken) CHECK(count > 50);
}

}  // namespace sluice::event
