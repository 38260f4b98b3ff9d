#include "common/async/timer.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/death.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) {
  return Instant{since_start};
}

struct Fired {
  std::vector<std::string> names;
  std::function<void()> note(std::string name) {
    return [this, name = std::move(name)] { names.push_back(name); };
  }
};

TEST_CASE("timers fire in the order of their due times and equal ones in the order of arming") {
  TimerQueue queue{{}};
  Fired fired;
  Timer late{queue, fired.note("late")};
  Timer first{queue, fired.note("first")};
  Timer second{queue, fired.note("second")};
  Timer early{queue, fired.note("early")};
  late.arm(at(3s));
  first.arm(at(2s));
  second.arm(at(2s));
  early.arm(at(1s));

  queue.fire_due(at(3s));

  CHECK(fired.names == std::vector<std::string>{"early", "first", "second", "late"});
  CHECK(queue.empty());
}

TEST_CASE("a timer fires once and only when it is due") {
  TimerQueue queue{{}};
  Fired fired;
  Timer timer{queue, fired.note("timer")};
  timer.arm(at(10ms));

  queue.fire_due(at(10ms) - 1ns);
  CHECK(fired.names.empty());
  CHECK(timer.armed());

  queue.fire_due(at(10ms));
  queue.fire_due(at(1h));
  CHECK(fired.names.size() == 1);
  CHECK(!timer.armed());
}

TEST_CASE("arming again moves a timer either way") {
  TimerQueue queue{{}};
  Fired fired;
  Timer moved{queue, fired.note("moved")};
  Timer fixed{queue, fired.note("fixed")};
  moved.arm(at(1s));
  fixed.arm(at(2s));

  moved.arm(at(3s));
  CHECK(moved.due() == at(3s));
  CHECK(queue.size() == 2);
  CHECK(queue.earliest() == at(2s));
  moved.arm(at(1s));
  CHECK(queue.earliest() == at(1s));
  moved.arm(at(4s));
  queue.fire_due(at(5s));

  CHECK(fired.names == std::vector<std::string>{"fixed", "moved"});
}

TEST_CASE("a disarmed timer never fires and its end disarms it") {
  TimerQueue queue{{}};
  Fired fired;
  Timer disarmed{queue, fired.note("disarmed")};
  disarmed.arm(at(1s));
  auto destroyed = std::make_unique<Timer>(queue, fired.note("destroyed"));
  destroyed->arm(at(1s));

  disarmed.disarm();
  disarmed.disarm();
  destroyed.reset();
  queue.fire_due(at(2s));

  CHECK(fired.names.empty());
  CHECK(queue.empty());
}

TEST_CASE("a callback may arm and disarm any timer and destroy any other") {
  TimerQueue queue{{}};
  Fired fired;
  Timer third{queue, fired.note("third")};
  auto fourth = std::make_unique<Timer>(queue, fired.note("fourth"));
  Timer second{queue, fired.note("second")};
  Timer first{queue, [&] {
                fired.names.emplace_back("first");
                third.disarm();
                fourth.reset();
                first.arm(at(9s));
              }};
  first.arm(at(1s));
  second.arm(at(2s));
  third.arm(at(3s));
  fourth->arm(at(4s));

  queue.fire_due(at(5s));

  CHECK(fired.names == std::vector<std::string>{"first", "second"});
  CHECK(first.armed());
  CHECK(queue.size() == 1);
}

TEST_CASE("what a callback arms waits for the next call even when it is due") {
  TimerQueue queue{{}};
  int fired = 0;
  Timer again{queue, [&] {
                ++fired;
                again.arm(at(0s));
              }};
  again.arm(at(1s));

  queue.fire_due(at(1s));
  CHECK(fired == 1);
  queue.fire_due(at(1s));
  CHECK(fired == 2);
}

TEST_CASE("the owner is told when the next due time moves forward and when none is left") {
  std::vector<Instant> told;
  int emptied = 0;
  TimerQueue queue{[&](Instant due) { told.push_back(due); }, [&] { ++emptied; }};
  Timer one{queue, [] {}};
  Timer two{queue, [] {}};

  one.arm(at(5s));
  two.arm(at(6s));
  two.arm(at(4s));
  two.arm(at(7s));
  CHECK(told == std::vector<Instant>{at(5s), at(4s)});

  one.disarm();
  CHECK(emptied == 0);
  two.disarm();
  CHECK(emptied == 1);
}

TEST_CASE("a timer may outlive its queue") {
  auto queue = std::make_unique<TimerQueue>(std::function<void(Instant)>{});
  Timer timer{*queue, [] {}};
  timer.arm(at(1s));

  queue.reset();

  CHECK(!timer.armed());
  timer.disarm();
}

TEST_CASE("an empty queue has no earliest time") {
  CHECK(dies_saying("no earliest time", [] { (void)TimerQueue{{}}.earliest(); }));
}

TEST_CASE("a timer that is not armed has no due time") {
  TimerQueue queue{{}};
  const Timer timer{queue, {}};
  CHECK(dies_saying("not armed", [&] { (void)timer.due(); }));
}

TEST_CASE("a callback that destroys its own timer is a broken promise") {
  CHECK(dies_saying("must not destroy the timer", [] {
    TimerQueue queue{{}};
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(queue, [&] { timer.reset(); });
    timer->arm(at(1s));
    queue.fire_due(at(1s));
  }));
}

}  // namespace
}  // namespace sluice
