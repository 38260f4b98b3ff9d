// One node, about a minute: each kind of disturbance once or twice.
#include <doctest/doctest.h>

#include "tests/storm/storm.hpp"
#include "tests/support/seed.hpp"

namespace sluice::storm {

using namespace std::chrono_literals;

TEST_CASE("joins, kills, a frozen worker, a broker that is away and dead letters that are not taken do no harm") {
  Storm storm{
      log::KafkaCluster::storm(), {.events = 20'000, .conversations = 300, .produced_within = 35s}, test_seed()};
  storm.join();
  storm.join();
  storm.wait(3s, 4s);
  storm.join();
  storm.wait(1s, 3s);
  storm.kill();
  storm.wait(0s, 2s);
  storm.join();
  storm.wait(1s, 3s);
  storm.freeze();
  storm.wait(9s, 10s);
  storm.refuse_letters();
  storm.wait(5s, 6s);
  storm.thaw();  // it was thrown out after ten seconds
  storm.wait(0s, 2s);
  storm.take_letters();
  storm.wait(1s, 3s);
  storm.terminate();
  storm.join();
  storm.wait(1s, 2s);
  storm.kill();
  storm.wait(0s, 1s);
  storm.broker("pause-node", 1);
  storm.wait(10s, 10s);
  storm.broker("resume-node", 1);
  storm.end();
}

}  // namespace sluice::storm
