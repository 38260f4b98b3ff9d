#include "workers/engine/tracker.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "tests/support/seed.hpp"

using namespace sluice;
using namespace sluice::engine;
using Runs = std::vector<DoneRun>;

namespace {

// The same promises, kept in the slowest way.
struct NaiveTracker {
  log::Offset begin = 0;
  Runs before;
  std::map<log::Offset, bool> taken;  // whether it is done

  [[nodiscard]] bool was_done(log::Offset offset) const {
    return offset < begin || std::any_of(
                                 before.begin(), before.end(),
                                 [offset](const DoneRun& run) { return run.first <= offset && offset <= run.last; });
  }
  bool take(log::Offset offset) {
    const auto known = taken.try_emplace(offset, was_done(offset)).first;
    return !known->second;
  }
  [[nodiscard]] Tracker::Progress progress(const std::vector<log::Offset>& also) const {
    auto marked = taken;
    for (const auto offset : also) marked[offset] = true;
    const auto first = std::find_if(marked.begin(), marked.end(), [](const auto& one) { return !one.second; });
    Tracker::Progress progress;
    progress.watermark = first != marked.end() ? first->first
                         : marked.empty()      ? begin
                                               : std::max(begin, std::prev(marked.end())->first + 1);
    bool in_run = false;
    for (auto at = first; at != marked.end(); ++at) {
      if (at->second && in_run) progress.done.back().last = at->first;
      if (at->second && !in_run) progress.done.push_back({at->first, at->first});
      in_run = at->second;
    }
    const log::Offset last = marked.empty() ? begin - 1 : std::prev(marked.end())->first;
    for (const auto& run : before) {
      if (run.last > last) progress.done.push_back({std::max(run.first, last + 1), run.last});
    }
    return progress;
  }
};

Tracker with_taken(log::Offset count) {
  Tracker tracker{0};
  for (log::Offset offset = 0; offset < count; ++offset) tracker.take(offset);
  return tracker;
}

}  // namespace

TEST_CASE("a commit never passes what is not done") {
  Tracker tracker{4};
  CHECK(tracker.take(4));
  CHECK(tracker.take(5));
  CHECK(tracker.take(9));

  tracker.done(9);
  tracker.done(4);

  CHECK(tracker.watermark() == 5);
  CHECK(tracker.progress().done == Runs{{9, 9}});
  CHECK(tracker.unfinished() == 1);
  tracker.done(5);
  CHECK(tracker.watermark() == 10);
  CHECK(tracker.progress().done.empty());
}

TEST_CASE("neighbours that are done are one run across offsets that do not exist") {
  Tracker tracker{0};
  for (const log::Offset offset : {0, 3, 5, 8, 9}) tracker.take(offset);

  tracker.done(3);
  tracker.done(8);
  CHECK(tracker.progress().done == Runs{{3, 3}, {8, 8}});
  tracker.done(5);

  CHECK(tracker.progress().done == Runs{{3, 8}});
}

TEST_CASE("what was done before an assignment is not taken again") {
  Tracker tracker{10, {{12, 13}, {20, 20}}};

  CHECK(tracker.take(10));
  CHECK(tracker.take(11));
  CHECK_FALSE(tracker.take(12));
  CHECK_FALSE(tracker.take(13));
  CHECK(tracker.take(14));
  CHECK_FALSE(tracker.take(9));

  CHECK(tracker.progress().done == Runs{{12, 13}, {20, 20}});
  CHECK(tracker.is_done(20));
  CHECK_FALSE(tracker.is_done(14));
}

TEST_CASE("what is about to be done is told as done without being so") {
  auto tracker = with_taken(6);
  tracker.done(3);

  const std::vector<log::Offset> also{0, 1, 4};
  const auto progress = tracker.progress(also);

  CHECK(progress.watermark == 2);
  CHECK(progress.done == Runs{{3, 4}});
  CHECK(tracker.watermark() == 0);
}

TEST_CASE("only as many runs are told as are wanted") {
  auto tracker = with_taken(20);
  for (log::Offset offset = 1; offset < 20; offset += 2) tracker.done(offset);

  CHECK(tracker.progress({}, 2).done == Runs{{1, 1}, {3, 3}});
  const std::vector<log::Offset> also{0};
  CHECK(tracker.progress(also, 2).watermark == 2);
  CHECK(tracker.progress(also, 2).done == Runs{{3, 3}, {5, 5}});
  CHECK(tracker.progress({}, 0).done.empty());
}

TEST_CASE("the tracker agrees with a naive one in every order") {
  SeededRandom random{test_seed()};
  for (int round = 0; round < 300; ++round) {
    CAPTURE(test_seed());
    CAPTURE(round);
    NaiveTracker naive{.begin = static_cast<log::Offset>(random.below(5)), .before = {}, .taken = {}};
    log::Offset at = naive.begin;
    for (auto runs = random.below(4); runs > 0; --runs) {
      const log::Offset first = at + 1 + static_cast<log::Offset>(random.below(4));
      at = first + static_cast<log::Offset>(random.below(4));
      naive.before.push_back({first, at});
    }
    Tracker tracker{naive.begin, naive.before};
    std::vector<log::Offset> open;
    log::Offset next = naive.begin;
    for (int step = 0; step < 120; ++step) {
      if (open.empty() || random.one_in(2)) {
        next += static_cast<log::Offset>(random.below(3));
        const bool to_do = naive.take(next);
        REQUIRE(tracker.take(next) == to_do);
        if (to_do) open.push_back(next);
        ++next;
      } else {
        const auto place = open.begin() + static_cast<std::ptrdiff_t>(random.below(open.size()));
        tracker.done(*place);
        naive.taken[*place] = true;
        open.erase(place);
      }
      std::vector<log::Offset> also;
      for (const auto offset : open) {
        if (random.one_in(4)) also.push_back(offset);
      }
      std::sort(also.begin(), also.end());
      const auto expected = naive.progress(also);
      const auto told = tracker.progress(also);
      REQUIRE(told.watermark == expected.watermark);
      REQUIRE(told.done == expected.done);
      REQUIRE(tracker.unfinished() == open.size());
      REQUIRE(tracker.watermark() == naive.progress({}).watermark);
      const auto wanted = random.below(4);
      auto prefix = expected.done;
      prefix.resize(std::min<std::size_t>(prefix.size(), wanted));
      REQUIRE(tracker.progress(also, wanted).done == prefix);
    }
  }
}

TEST_CASE("what to commit costs little however much is tracked") {
  const auto cost = [](log::Offset count, log::Offset every) {
    auto tracker = with_taken(count);
    for (log::Offset offset = 1; offset < count; offset += every) tracker.done(offset);
    constexpr int rounds = 2'000;
    std::size_t runs = 0;
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < rounds; ++round) runs += tracker.progress({}, 2'000).done.size();
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(runs > 0);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(took).count() / rounds;
  };

  MESSAGE("ns for what to commit: 1000 tracked with 4 runs ", cost(1'000, 250), "; with 500 runs ", cost(1'000, 2),
          "; 1000000 tracked with 4 runs ", cost(1'000'000, 250'000));
}
