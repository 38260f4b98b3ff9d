#include "workers/engine/commit_note.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "common/log/log.hpp"
#include "tests/support/seed.hpp"

using namespace sluice;
using namespace sluice::engine;

namespace {

CommitNote drawn(Random& random, log::Offset watermark, std::size_t runs) {
  CommitNote note{.open = random.one_in(2),
                  .unclean_ends = static_cast<std::uint32_t>(random.below(10)),
                  .group = static_cast<std::uint32_t>(random.next()),
                  .alone = static_cast<std::uint32_t>(random.below(4)),
                  .suspect = static_cast<log::Offset>(random.below(1U << 30U)),
                  .done = {}};
  note.progress = note.open && random.one_in(2);
  log::Offset at = watermark;
  for (; runs > 0; --runs) {
    const auto first = at + 1 + static_cast<log::Offset>(random.below(random.one_in(5) ? 1'000'000 : 40));
    at = first + static_cast<log::Offset>(random.below(random.one_in(5) ? 100'000 : 3));
    note.done.push_back({first, at});
  }
  return note;
}

}  // namespace

TEST_CASE("what is written into a note is read from it") {
  SeededRandom random{test_seed()};
  for (int round = 0; round < 2'000; ++round) {
    const auto watermark = static_cast<log::Offset>(random.below(1ULL << 40U));
    const auto note = drawn(random, watermark, random.below(30));
    const std::string text = write_note(note, watermark, log::metadata_bytes_max);

    CAPTURE(test_seed());
    CAPTURE(text);
    REQUIRE(read_note(text, watermark) == note);
    REQUIRE(std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; }));
  }
}

TEST_CASE("a note that is too long keeps the longest prefix of its runs") {
  SeededRandom random{test_seed()};
  for (int round = 0; round < 200; ++round) {
    const auto note = drawn(random, 0, 1'500);
    const std::size_t bytes_max = 100 + random.below(log::metadata_bytes_max - 100);
    const std::string text = write_note(note, 0, bytes_max);
    CAPTURE(test_seed());
    REQUIRE(text.size() <= bytes_max);
    auto read = read_note(text, 0);
    REQUIRE(read.has_value());
    REQUIRE(read->done.size() < note.done.size());
    REQUIRE(std::equal(read->done.begin(), read->done.end(), note.done.begin()));
    auto one_more = note;
    one_more.done.resize(read->done.size() + 1);
    REQUIRE(write_note(one_more, 0, std::size_t{1} << 20U).size() > bytes_max);
  }
}

TEST_CASE("a text that is no note of ours is none") {
  for (const char* text : {"", "S1", "S1:", "S1:0:0:0:0:", "S1:3:0:0:0:0:", "S1:-1:0:0:0:0:", "S1:0:0:0:0:-5:",
                           "S2:0:0:0:0:0:", "S1:0:0:0:0:0:A", "S1:0:0:0:0:0:!A",
                           "S1:0:99999999999:0:0:0:", "S1:0:0:0:0:0:_______________A", "{\"offset\":5}"}) {
    CAPTURE(text);
    CHECK_FALSE(read_note(text, 0).has_value());
  }
  CHECK_FALSE(read_note("S1:0:0:0:0:0:", -1).has_value());
}

TEST_CASE("runs that would pass the highest offset are none") {
  constexpr auto highest = std::numeric_limits<log::Offset>::max();

  CHECK(read_note("S1:0:0:0:0:0:BA", highest - 1).has_value());
  CHECK_FALSE(read_note("S1:0:0:0:0:0:BB", highest - 1).has_value());
}

TEST_CASE("garbage never does harm and what it says is in order") {
  SeededRandom random{test_seed()};
  constexpr std::string_view letters = "S1:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_ \x01\xff";
  int read_ones = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = random.one_in(2) ? write_note(drawn(random, 5, random.below(6)), 5, 4'000) : "S1:1:2:3:0:4:";
    for (auto changes = random.below(6); changes > 0; --changes) {
      const char letter = letters[random.below(letters.size())];
      const auto place = random.below(text.size() + 1);
      if (place == text.size() || random.one_in(3)) {
        text.insert(text.begin() + static_cast<std::ptrdiff_t>(place), letter);
      } else {
        text[place] = letter;
      }
    }
    const auto note = read_note(text, 5);
    if (!note) continue;
    ++read_ones;
    log::Offset at = 5;
    for (const auto& run : note->done) {
      REQUIRE(run.first >= at);
      REQUIRE(run.last >= run.first);
      at = run.last;
    }
  }
  CHECK(read_ones > 0);
}
