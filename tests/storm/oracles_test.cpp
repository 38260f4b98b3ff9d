// The oracles bite: a storm without a fault passes, and each fault is seen.
#include <doctest/doctest.h>

#include "tests/storm/evidence.hpp"

namespace sluice::storm {

namespace {

using namespace std::chrono_literals;

Instant at(Duration since) {
  return Instant{1h + since};
}

// Two conversations: 0, 1, 3 and 2, 4. The third event is done outside, the fourth can never work.
Evidence faultless() {
  Evidence evidence;
  evidence.plan = {{.number = 0, .conversation = 0},
                   {.number = 1, .conversation = 0},
                   {.number = 2, .conversation = 1, .behaviour = Behaviour::effect},
                   {.number = 3, .conversation = 0, .behaviour = Behaviour::never},
                   {.number = 4, .conversation = 1}};
  evidence.lives.resize(2);
  for (const int number : {0, 1, 2, 3, 4}) {
    const auto begin = at(number * 10ms);
    evidence.runs.push_back({.number = number, .life = 0, .begin = begin, .end = begin + 5ms, .is_final = true});
  }
  evidence.outputs = {0, 2, 1, 4, 1};
  evidence.effects = {0, 1, 2, 4};
  evidence.letters = {{.number = 3, .id = "a/letter/0", .code = "21211"},
                      {.number = 3, .id = "a/letter/0", .code = "21211"}};
  evidence.ledger = {{2, "sent"}};
  return evidence;
}

// One sentence, which has these words.
void sees(const Evidence& evidence, std::string_view words) {
  const auto broken = broken_oracles(evidence);
  REQUIRE(broken.size() == 1);
  CHECK_MESSAGE(broken.front().find(words) != std::string::npos, broken.front());
}

}  // namespace

TEST_CASE("a storm without a fault breaks no oracle, repeated outputs and letters included") {
  CHECK(broken_oracles(faultless()).empty());
}

TEST_CASE("an effect that was taken twice is seen") {
  auto evidence = faultless();
  evidence.effects = {0, 1, 2, 2, 4};
  sees(evidence, "event 2: its effect was taken 2 times");
}

TEST_CASE("a missing row, a missing output and an effect that nobody has taken are seen") {
  auto evidence = faultless();
  evidence.effects = {0, 2, 4};
  sees(evidence, "event 1 has no row");
  evidence = faultless();
  evidence.outputs = {0, 2, 1};
  sees(evidence, "event 4 has no output");
  evidence = faultless();
  evidence.effects = {0, 1, 4};
  sees(evidence, "its effect is sent and nobody has taken it");
  evidence.ledger = {{2, "unknown"}};
  CHECK(broken_oracles(evidence).empty());  // it stays unknown, and was not done again
}

TEST_CASE("an event with two ends, or with another one than its own, is seen") {
  auto evidence = faultless();
  evidence.letters.push_back({.number = 4, .id = "b/letter/0", .code = "21211"});
  sees(evidence, "event 4 is a dead letter and could have been done");
  evidence = faultless();
  evidence.letters.clear();
  sees(evidence, "event 3 can never work and left 0 dead letters");
  evidence = faultless();
  evidence.letters.push_back({.number = 3, .id = "c/letter/0", .code = "21211"});
  sees(evidence, "event 3 can never work and left 2 dead letters");
  evidence = faultless();
  evidence.letters.front().code = "crash-suspect";
  sees(evidence, "event 3 died of 'crash-suspect'");
}

TEST_CASE("effects and outputs out of order are seen, of one conversation only") {
  auto evidence = faultless();
  evidence.effects = {2, 1, 0, 4};
  sees(evidence, "conversation 0: the effect of event 1 came before that of 0");
  evidence = faultless();
  evidence.outputs = {4, 0, 2, 1};
  sees(evidence, "conversation 1: the output of event 4 came before that of 2");
}

TEST_CASE("two runs of one conversation at once are seen, also when the first one has no end but that of its process") {
  auto evidence = faultless();
  evidence.runs.push_back({.number = 1, .life = 1, .begin = at(12ms), .end = at(13ms)});
  sees(evidence, "ran at once");
  evidence = faultless();
  evidence.runs.push_back({.number = 3, .life = 1, .begin = at(50ms)});
  evidence.runs.push_back({.number = 3, .life = 0, .begin = at(60ms), .end = at(61ms)});
  CHECK(broken_oracles(evidence).empty());
  evidence.lives[1].over = at(65ms);
  sees(evidence, "ran at once");
  evidence.runs[5].is_orphan = true;
  CHECK(broken_oracles(evidence).empty());
}

TEST_CASE("who stood still may run beside its successor until it has learned of it, and not longer") {
  auto evidence = faultless();
  evidence.lives[1].frozen = {{at(-20s), at(0s)}};
  evidence.runs.push_back({.number = 1, .life = 1, .begin = at(12ms), .end = at(13ms)});
  CHECK(broken_oracles(evidence).empty());
  evidence.lives[1].frozen = {{at(-40s), at(-20s)}};
  sees(evidence, "ran at once");
}

TEST_CASE("a partition that is not committed to its end, open rows and what comes from nowhere are seen") {
  auto evidence = faultless();
  evidence.lags = {{.topic = "t", .number = 3, .end = 10, .committed = 11}};
  sees(evidence, "t/3 ends at 10 and is committed up to 11");
  evidence = faultless();
  evidence.open_rows = 2;
  sees(evidence, "2 rows");
  evidence = faultless();
  evidence.outputs.push_back(-1);
  sees(evidence, "1 outputs are of no event");
}

}  // namespace sluice::storm
