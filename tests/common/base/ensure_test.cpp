#include "common/base/ensure.hpp"

#include <doctest/doctest.h>

#include "tests/support/death.hpp"

namespace sluice {
namespace {

TEST_CASE("a broken promise ends the process and says what and where") {
  const auto said = last_words([] { ENSURE(1 + 1 == 3, "sums add up"); });

  REQUIRE(said.has_value());
  CHECK(said->find("broken promise: sums add up") != std::string::npos);
  CHECK(said->find("ensure_test.cpp:") != std::string::npos);
}

TEST_CASE("a kept promise costs nothing and its condition is looked at once") {
  int looked = 0;

  CHECK(!last_words([] { ENSURE(1 + 1 == 2, "sums add up"); }));
  ENSURE(++looked == 1, "the condition is evaluated once");

  CHECK(looked == 1);
}

}  // namespace
}  // namespace sluice
