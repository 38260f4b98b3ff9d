#include "common/async/signal.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

Task<> wait_and_note(Signal& signal, std::vector<int>& notes, int name) {
  co_await signal.wait();
  notes.push_back(name);
}

TEST_CASE("a signal wakes everybody who waits in the order in which they came") {
  SimulatedWorld world;
  Signal signal;
  std::vector<int> notes;
  Scope scope{world.loop};
  for (const int name : {1, 2, 3}) scope.start(wait_and_note(signal, notes, name));
  world.clock.run_until_idle();
  CHECK(signal.awaited());

  signal.notify_all();
  CHECK(notes.empty());
  CHECK(!signal.awaited());
  world.run(scope.join());

  CHECK(notes == std::vector<int>{1, 2, 3});
}

TEST_CASE("a signal is not remembered for who comes later") {
  SimulatedWorld world;
  Signal signal;
  std::vector<int> notes;
  Scope scope{world.loop};

  signal.notify_all();
  scope.start(wait_and_note(signal, notes, 1));
  world.clock.run_until_idle();
  CHECK(notes.empty());

  signal.notify_all();
  world.run(scope.join());
  CHECK(notes.size() == 1);
}

TEST_CASE("a cancelled listener leaves and the others hear") {
  SimulatedWorld world;
  Signal signal;
  std::vector<int> notes;
  Scope leaving{world.loop};
  Scope staying{world.loop};
  leaving.start(wait_and_note(signal, notes, 1));
  staying.start(wait_and_note(signal, notes, 2));
  world.clock.run_until_idle();

  leaving.cancel();
  signal.notify_all();
  world.clock.run_until_idle();

  CHECK(notes == std::vector<int>{2});
  CHECK(leaving.size() == 0);
}

}  // namespace
}  // namespace sluice
