#include "common/async/work.hpp"

#include <array>
#include <functional>
#include <memory>

#include <doctest/doctest.h>

#include "tests/common/async/tools.hpp"

namespace sluice {
namespace {

template <std::size_t bytes>
Work counting(int& calls, int& living) {
  return [&calls, object = Living{living}, ballast = std::array<char, bytes>{}]() mutable {
    ++calls;
    ballast[0] = 1;
  };
}

TEST_CASE("small and large work is called and destroyed once wherever it is moved") {
  for (auto* make : {counting<8>, counting<500>}) {
    int calls = 0;
    int living = 0;
    {
      Work work = make(calls, living);
      Work moved = std::move(work);
      CHECK(!work);  // NOLINT(bugprone-use-after-move): moved-from work is empty
      CHECK(moved);
      CHECK(living == 1);
      moved();
      moved();

      Work other = make(calls, living);
      CHECK(living == 2);
      other = std::move(moved);
      CHECK(living == 1);
      other();
      auto& same = other;
      other = std::move(same);
      CHECK(other);
    }

    CHECK(calls == 3);
    CHECK(living == 0);
  }
}

TEST_CASE("work takes what std::function takes and what can only be moved") {
  int calls = 0;
  const std::function<void()> copied = [&] { ++calls; };
  Work from_function = copied;
  Work from_unique = [&calls, owned = std::make_unique<int>(5)] { calls += *owned; };

  from_function();
  from_unique();

  CHECK(calls == 6);
  CHECK(!Work{});
}

}  // namespace
}  // namespace sluice
