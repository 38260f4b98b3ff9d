#include "common/async/waiter.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <boost/asio/this_coro.hpp>

#include "common/async/spawn.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

Task<> wait_and_note(Waiter& waiter, std::vector<std::string>& notes, std::string name) {
  co_await waiter.wait();
  notes.push_back(std::move(name));
}

TEST_CASE("a wake-up that comes before the wait is kept for it") {
  SimulatedWorld world;
  Waiter waiter;
  std::vector<std::string> notes;

  waiter.wake();
  world.run(wait_and_note(waiter, notes, "woken"));

  CHECK(notes.size() == 1);
}

TEST_CASE("waiters wake in the order of waking") {
  SimulatedWorld world;
  Waiter first;
  Waiter second;
  std::vector<std::string> notes;
  spawn(world.loop, wait_and_note(first, notes, "first"), or_die("a task"));
  spawn(world.loop, wait_and_note(second, notes, "second"), or_die("a task"));
  world.clock.run_until_idle();
  CHECK(first.waiting());

  second.wake();
  first.wake();
  first.wake();
  CHECK(!first.waiting());
  world.clock.run_until_idle();

  CHECK(notes == std::vector<std::string>{"second", "first"});
}

TEST_CASE("an aborted wait throws and the same waiter waits anew") {
  SimulatedWorld world;
  Waiter waiter;
  std::vector<std::string> notes;
  std::exception_ptr thrown;
  spawn(world.loop, wait_and_note(waiter, notes, "went on"),
        [&](std::exception_ptr error) { thrown = std::move(error); });
  world.clock.run_until_idle();

  waiter.abort();
  waiter.wake();  // too late
  world.clock.run_until_idle();
  CHECK(threw_cancellation(thrown));

  spawn(world.loop, wait_and_note(waiter, notes, "again"), or_die("a task"));
  world.clock.run_until_idle();
  CHECK(waiter.waiting());
  waiter.wake();
  waiter.abort();  // too late
  world.clock.run_until_idle();
  CHECK(notes == std::vector<std::string>{"again"});
}

TEST_CASE("two coroutines on one waiter are a broken promise") {
  CHECK(dies_saying("one waiting coroutine at most", [] {
    SimulatedWorld world;
    Waiter waiter;
    std::vector<std::string> notes;
    spawn(world.loop, wait_and_note(waiter, notes, "first"), or_die("a task"));
    spawn(world.loop, wait_and_note(waiter, notes, "second"), or_die("a task"));
    world.clock.run_until_idle();
  }));
}

TEST_CASE("a waiter leaves its owner's list when it is woken or aborted or gone") {
  WaitList list;
  Waiter woken;
  Waiter aborted;
  auto gone = std::make_unique<Waiter>();
  list.push_back(woken);
  list.push_back(aborted);
  list.push_back(*gone);

  woken.wake();
  aborted.abort();
  gone.reset();

  CHECK(list.empty());
}

TEST_CASE("a list may end before its waiters") {
  Waiter waiter;
  {
    WaitList list;
    list.push_back(waiter);
  }

  waiter.wake();
}

class Stubborn final : public Waiter {
 public:
  int cancellations = 0;

 private:
  void cancelled() override { ++cancellations; }
};

Task<> hold_out_and_note(Stubborn& waiter, std::vector<std::string>& notes) {
  co_await hold_out(waiter);
  notes.emplace_back("through");
  co_await next_turn();
  notes.emplace_back("went on");
}

TEST_CASE("wait_through comes back only when woken and the next await throws") {
  SimulatedWorld world;
  Stubborn waiter;
  std::vector<std::string> notes;
  Scope scope{world.loop};
  scope.start(hold_out_and_note(waiter, notes));
  world.clock.run_until_idle();

  scope.cancel();
  scope.cancel();
  world.clock.run_until_idle();
  CHECK(waiter.cancellations == 2);
  CHECK(scope.size() == 1);

  waiter.wake();
  world.clock.run_until_idle();
  CHECK(notes == std::vector<std::string>{"through"});
  CHECK(scope.size() == 0);
}

Task<> cancel_myself_and_hold_out(Scope& scope, Stubborn& waiter, std::vector<std::string>& notes) {
  scope.cancel();
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_await waiter.wait_through();
  notes.emplace_back("through");
}

TEST_CASE("wait_through tells a task that was cancelled before it came") {
  SimulatedWorld world;
  Stubborn waiter;
  std::vector<std::string> notes;
  Scope scope{world.loop};

  scope.start(cancel_myself_and_hold_out(scope, waiter, notes));
  world.clock.run_until_idle();
  CHECK(waiter.cancellations == 1);
  CHECK(scope.size() == 1);

  waiter.wake();
  world.clock.run_until_idle();
  CHECK(notes.size() == 1);
}

TEST_CASE("an aborted wait_through comes back without throwing") {
  SimulatedWorld world;
  Stubborn waiter;
  std::vector<std::string> notes;
  Scope scope{world.loop};
  scope.start(hold_out_and_note(waiter, notes));
  world.clock.run_until_idle();

  waiter.abort();
  world.run(scope.join());

  CHECK(notes == std::vector<std::string>{"through", "went on"});
}

TEST_CASE("wait_through in a task that throws when cancelled is a broken promise") {
  CHECK(dies_saying("throw_if_cancelled(false)", [] {
    SimulatedWorld world;
    Waiter waiter;
    world.run(waiter.wait_through());
  }));
}

}  // namespace
}  // namespace sluice
