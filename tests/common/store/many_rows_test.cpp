#include "common/store/many_rows.hpp"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace sluice::store {

TEST_CASE("the values of several rows are numbered through") {
  CHECK(std::string{values_of_rows<1, 1>.bytes} == "($1)");
  CHECK(std::string{values_of_rows<1, 3>.bytes} == "($1, $2, $3)");
  CHECK(std::string{values_of_rows<3, 2>.bytes} == "($1, $2), ($3, $4), ($5, $6)");
}

TEST_CASE("numbers of one and two and three digits stand side by side") {
  std::string expected;
  for (int row = 0; row < 40; ++row)
    expected += fmt::format("{}(${}, ${}, ${})", row == 0 ? "" : ", ", 3 * row + 1, 3 * row + 2, 3 * row + 3);

  CHECK(std::string{values_of_rows<40, 3>.bytes} == expected);
}

}  // namespace sluice::store
