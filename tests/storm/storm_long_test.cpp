// Three minutes on one node and on three, and a thousand kills: for `scripts/test --long`.
#include <doctest/doctest.h>

#include "tests/storm/storm.hpp"
#include "tests/support/seed.hpp"

namespace sluice::storm {

namespace {

using namespace std::chrono_literals;

constexpr StormSize three_minutes{.events = 100'000, .conversations = 1'000, .produced_within = 150s};

// Workers come and go, are killed and stopped, so that the group is hardly ever at rest.
void rebalance(Storm& storm, Duration how_long) {
  constexpr std::size_t workers_min = 2;
  constexpr std::size_t workers_max = 4;
  const Instant until = storm.now() + how_long;
  while (storm.now() < until) {
    const bool must_come = storm.running() < workers_min;
    const bool must_go = storm.running() >= workers_max;
    if (must_come || (!must_go && storm.random().one_in(2))) {
      storm.join();
    } else if (storm.random().one_in(2)) {
      storm.kill();
    } else {
      storm.terminate();
    }
    storm.wait(1s, 6s);
  }
}

void begin(Storm& storm) {
  for (int i = 0; i < 3; ++i) storm.join();
  storm.wait(5s, 6s);
}

}  // namespace

TEST_CASE("three minutes on one node, with a worker that stands still for one and a broker for half of one") {
  Storm storm{log::KafkaCluster::storm(), three_minutes, test_seed()};
  begin(storm);
  storm.freeze();
  rebalance(storm, 60s);
  storm.thaw();
  storm.refuse_letters();
  rebalance(storm, 10s);
  storm.take_letters();
  rebalance(storm, 20s);
  storm.broker("pause-node", 1);
  storm.wait(30s, 30s);
  storm.broker("resume-node", 1);
  rebalance(storm, 40s);
  storm.end();
}

TEST_CASE("three minutes on three nodes, of which the one that leads is killed and another one stands still") {
  Storm storm{log::KafkaCluster::three(), three_minutes, test_seed()};
  begin(storm);
  storm.freeze();
  const int killed = storm.leader_of_some_partition();
  storm.broker("kill-node", killed);
  rebalance(storm, 30s);
  storm.broker("start-node", killed);
  rebalance(storm, 20s);
  storm.thaw();
  storm.refuse_letters();
  rebalance(storm, 10s);
  storm.take_letters();
  const int paused = storm.leader_of_some_partition();
  storm.broker("pause-node", paused);
  rebalance(storm, 30s);
  storm.broker("resume-node", paused);
  rebalance(storm, 40s);
  storm.end();
}

// In named slots, so that the next one goes on at once where the killed one was.
TEST_CASE("a thousand kills") {
  constexpr int kills = 1'000;
  constexpr std::size_t slots = 4;
  Storm storm{
      log::KafkaCluster::storm(), {.events = 100'000, .conversations = 1'000, .produced_within = 400s}, test_seed()};
  for (std::size_t which = 0; which < slots; ++which) storm.join("slot-" + std::to_string(which));
  for (int kill = 0; kill < kills; ++kill) {
    storm.wait(100ms, 900ms);
    storm.kill_and_replace(storm.random().below(slots));
  }
  storm.end();
}

}  // namespace sluice::storm
