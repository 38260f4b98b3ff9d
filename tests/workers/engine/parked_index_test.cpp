#include "workers/engine/parked_index.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>

#include <malloc.h>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "tests/support/seed.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

// The same promises, kept in the simplest way.
struct NaiveIndex {
  std::map<LaneId, std::map<log::Offset, ShortId>> lanes;
  std::map<LaneId, Instant> due;

  void add(LaneId lane, log::Offset offset, ShortId id) { lanes[lane].try_emplace(offset, id); }
  void remove_head(LaneId lane) {
    auto& entries = lanes.at(lane);
    entries.erase(entries.begin());
    if (entries.empty()) forget(lane);
  }
  void forget(LaneId lane) {
    lanes.erase(lane);
    due.erase(lane);
  }
  [[nodiscard]] std::size_t events() const {
    std::size_t sum = 0;
    for (const auto& [lane, entries] : lanes) sum += entries.size();
    return sum;
  }
};

}  // namespace

TEST_CASE("a parked conversation has its events in the order of their offsets") {
  ParkedIndex index;
  index.add(1, 5, 50);
  index.add(1, 9, 90);
  index.add(1, 7, 70);
  index.add(1, 3, 30);
  index.add(1, 7, 70);

  CHECK(index.events() == 4);
  CHECK(index.behind(1) == 3);
  CHECK(index.holds(1, 70));
  CHECK_FALSE(index.holds(1, 71));
  for (const log::Offset expected : {3, 5, 7, 9}) {
    CHECK(index.head(1) == expected);
    index.remove_head(1);
  }
  CHECK_FALSE(index.holds(1));
  CHECK(index.events() == 0);
}

TEST_CASE("the conversations that are due are taken by their time and not more than wanted") {
  ParkedIndex index;
  for (LaneId lane = 1; lane <= 5; ++lane) {
    index.add(lane, static_cast<log::Offset>(lane), lane);
    index.set_due(lane, Instant{std::chrono::seconds{10 - lane}});
  }
  index.set_due(3, Instant{1s});

  CHECK(index.earliest() == Instant{1s});
  CHECK(index.take_due(Instant{6s}, 2) == std::vector<LaneId>{3, 5});
  CHECK(index.take_due(Instant{6s}, 2) == std::vector<LaneId>{4});
  CHECK_FALSE(index.is_due(4));
  CHECK(index.due_of(2) == Instant{8s});
  index.clear_due(2);
  index.forget(1);
  CHECK_FALSE(index.earliest().has_value());
}

TEST_CASE("the index agrees with a naive one in every order") {
  SeededRandom random{test_seed()};
  CAPTURE(test_seed());
  ParkedIndex index;
  NaiveIndex naive;
  for (int step = 0; step < 60'000; ++step) {
    const LaneId lane = random.below(random.one_in(3) ? 400 : 40) << 40U;
    const bool known = naive.lanes.contains(lane);
    switch (random.below(step % 20'000 < 10'000 ? 6 : 9)) {
      case 0:
      case 1:
      case 2: {
        const auto offset = static_cast<log::Offset>(random.below(100'000));
        index.add(lane, offset, static_cast<ShortId>(offset) * 3);
        naive.add(lane, offset, static_cast<ShortId>(offset) * 3);
        break;
      }
      case 3:
        if (!known) break;
        naive.due[lane] = Instant{Duration{static_cast<Duration::rep>(random.below(1'000))}};
        index.set_due(lane, naive.due[lane]);
        break;
      case 4:
        naive.due.erase(lane);
        index.clear_due(lane);
        break;
      case 5: {
        const Instant now{Duration{static_cast<Duration::rep>(random.below(200))}};
        auto taken = index.take_due(now, 3);
        Instant before{};
        for (const LaneId one : taken) {
          REQUIRE(naive.due.at(one) <= now);
          REQUIRE(naive.due.at(one) >= before);
          before = naive.due.at(one);
          naive.due.erase(one);
        }
        if (taken.size() < 3) {
          for (const auto& [one, due] : naive.due) REQUIRE(due > now);
        }
        break;
      }
      case 6:
        naive.forget(lane);
        index.forget(lane);
        break;
      default:
        if (!known) break;
        naive.remove_head(lane);
        index.remove_head(lane);
    }
    const auto now_known = naive.lanes.find(lane);
    REQUIRE(index.holds(lane) == (now_known != naive.lanes.end()));
    REQUIRE(index.lanes() == naive.lanes.size());
    REQUIRE(index.is_due(lane) == naive.due.contains(lane));
    if (now_known == naive.lanes.end()) continue;
    REQUIRE(index.head(lane) == now_known->second.begin()->first);
    REQUIRE(index.behind(lane) == now_known->second.size() - 1);
    const auto some = static_cast<log::Offset>(random.below(100'000));
    REQUIRE(index.holds(lane, static_cast<ShortId>(some) * 3) == now_known->second.contains(some));
    if (step % 500 == 0) REQUIRE(index.events() == naive.events());
  }
}

// Sanitizers replace the allocator whose count is read here.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLUICE_ALLOCATOR_IS_REPLACED
#endif
#endif
#if !defined(SLUICE_ALLOCATOR_IS_REPLACED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

std::size_t allocated() {
  return mallinfo2().uordblks + mallinfo2().hblkhd;
}

double bytes_per_event(LaneId lanes, log::Offset events) {
  SeededRandom random{7};
  const std::size_t before = allocated();
  ParkedIndex index;
  for (log::Offset offset = 0; offset < events; ++offset) {
    const LaneId lane = (static_cast<LaneId>(offset) % lanes + 1) * 0xD1342543DE82EF95ULL;
    index.add(lane, offset, random.next());
    if (!index.is_due(lane))
      index.set_due(lane, Instant{Duration{static_cast<Duration::rep>(random.below(1U << 30U))}});
  }
  CHECK(index.events() == static_cast<std::size_t>(events));
  CHECK(index.lanes() == lanes);
  return static_cast<double>(allocated() - before) / static_cast<double>(events);
}

}  // namespace

TEST_CASE("a parked event costs at most 64 bytes") {
  constexpr double bytes_max = 64;
  const double each_alone = bytes_per_event(1'000'000, 1'000'000);
  const double in_few = bytes_per_event(1'000, 1'000'000);
  double worst = 0;
  for (const log::Offset events : {100'000, 120'000, 140'000}) {
    worst = std::max(worst, bytes_per_event(static_cast<LaneId>(events), events));
  }

  MESSAGE("bytes per event: 1000000 conversations ", each_alone, "; 1000 conversations ", in_few,
          "; other sizes up to ", worst);
  CHECK(each_alone <= bytes_max);
  CHECK(in_few <= bytes_max);
  CHECK(worst <= bytes_max);
}
#endif
