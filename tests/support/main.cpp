#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "tests/support/last_moment.hpp"
#include "tests/support/seed.hpp"

namespace sluice {

std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("TEST_SEED");
    return given != nullptr ? std::stoull(given) : SystemRandom{}.below(1'000'000'000);
  }();
  return seed;
}

}  // namespace sluice

int main(int count, char** arguments) {
  std::printf("TEST_SEED=%llu\n", static_cast<unsigned long long>(sluice::test_seed()));
  std::fflush(stdout);
  sluice::speak_in_the_last_moment();
  return doctest::Context(count, arguments).run();
}
