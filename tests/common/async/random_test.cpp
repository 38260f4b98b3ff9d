#include "common/async/random.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/death.hpp"
#include "tests/support/seed.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a seed gives the same sequence on every machine") {
  SeededRandom random{0};

  // The reference implementation of xoshiro256** with its state filled by splitmix64 from 0.
  CHECK(random.next() == 0x99EC5F36CB75F2B4U);
  CHECK(random.next() == 0xBF6E1F784956452AU);
  CHECK(random.next() == 0x1A5F849D4933E6E0U);

  SeededRandom one{test_seed()};
  SeededRandom same{test_seed()};
  SeededRandom other{test_seed() + 1};
  CHECK(one.next() == same.next());
  CHECK(one.next() != other.next());
}

TEST_CASE("below is uniform and stays below") {
  SeededRandom random{test_seed()};
  constexpr std::uint64_t bound = 10;
  constexpr int draws = 100'000;
  std::array<int, bound> count{};

  for (int i = 0; i < draws; ++i) ++count.at(random.below(bound));

  // Six standard deviations: wrong once in half a billion runs.
  for (const int times : count) CHECK(std::abs(times - draws / 10) < 6 * std::sqrt(draws * 0.1 * 0.9));
  CHECK(random.below(1) == 0);
  CHECK(random.below(std::numeric_limits<std::uint64_t>::max()) < std::numeric_limits<std::uint64_t>::max());
}

class Scripted final : public Random {
 public:
  explicit Scripted(std::vector<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  std::uint64_t next() override { return numbers_.at(drawn_++); }
  [[nodiscard]] std::size_t drawn() const { return drawn_; }

 private:
  std::vector<std::uint64_t> numbers_;
  std::size_t drawn_ = 0;
};

TEST_CASE("below refuses the numbers that would make small results likelier") {
  Scripted random{{0, 5, 6}};  // 2^64 mod 10 = 6: 0 to 5 are refused

  CHECK(random.below(10) == 6);
  CHECK(random.drawn() == 3);
}

TEST_CASE("one_in and unit and between keep to their ranges") {
  SeededRandom random{test_seed()};
  int hits = 0;
  std::set<Duration> durations;

  for (int i = 0; i < 10'000; ++i) {
    hits += random.one_in(4) ? 1 : 0;
    const double unit = random.unit();
    CHECK_FALSE((unit < 0 || unit >= 1));
    durations.insert(random.between(-1ns, 2ns));
  }

  CHECK(std::abs(hits - 2'500) < 6 * std::sqrt(10'000 * 0.25 * 0.75));
  CHECK(durations == std::set<Duration>{-1ns, 0ns, 1ns, 2ns});
  CHECK(random.one_in(1));
  CHECK(random.between(5s, 5s) == 5s);
  CHECK(random.between(Duration::min(), Duration::max()) != random.between(Duration::min(), Duration::max()));
  CHECK(Scripted{{~std::uint64_t{0}}}.unit() < 1);
}

TEST_CASE("the system's numbers do not repeat") {
  SystemRandom random;
  SystemRandom other;
  std::set<std::uint64_t> numbers;

  for (int i = 0; i < 1'000; ++i) {
    numbers.insert(random.next());
    numbers.insert(other.next());
  }

  CHECK(numbers.size() == 2'000);
}

TEST_CASE("impossible ranges are broken promises") {
  CHECK(dies_saying("below zero", [] { (void)SeededRandom{1}.below(0); }));
  CHECK(dies_saying("empty range", [] { (void)SeededRandom{1}.between(2s, 1s); }));
}

}  // namespace
}  // namespace sluice
