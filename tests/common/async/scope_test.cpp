#include "common/async/scope.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/spawn.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

Task<> sleep_and_note(Clock& clock, Duration pause, Notes& notes, std::string name) {
  co_await clock.sleep_for(pause);
  notes.push_back(std::move(name));
}

Task<> join_and_note(Scope& scope, Notes& notes) {
  co_await scope.join();
  notes.emplace_back("joined");
}

TEST_CASE("a join waits for every child") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(sleep_and_note(world.clock, 2h, notes, "second"));
  scope.start(sleep_and_note(world.clock, 1h, notes, "first"));
  CHECK(scope.size() == 2);

  world.run(join_and_note(scope, notes));

  CHECK(notes == Notes{"first", "second", "joined"});
  CHECK(scope.size() == 0);
}

TEST_CASE("a join without children returns at once") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};

  world.run(join_and_note(scope, notes));

  CHECK(notes == Notes{"joined"});
}

Task<> note(Notes& notes, std::string name) {
  notes.push_back(std::move(name));
  co_return;
}

Task<> start_one(Scope& scope, Notes& notes) {
  scope.start(note(notes, "child"));
  notes.emplace_back("after start");
  co_return;
}

TEST_CASE("a child never begins inside the call that starts it") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};

  world.run(start_one(scope, notes));
  world.run(scope.join());

  CHECK(notes == Notes{"after start", "child"});
}

Task<> start_another_later(SimulatedWorld& world, Scope& scope, Notes& notes) {
  co_await world.clock.sleep_for(1h);
  scope.start(sleep_and_note(world.clock, 1h, notes, "grandchild"));
}

TEST_CASE("children may start more children while somebody joins") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(start_another_later(world, scope, notes));

  world.run(join_and_note(scope, notes));

  CHECK(notes == Notes{"grandchild", "joined"});
  CHECK(world.clock.now() == Instant{2h});
}

Task<> fail_after(Clock& clock, Duration pause, std::string sentence) {
  co_await clock.sleep_for(pause);
  throw std::runtime_error(sentence);
}

TEST_CASE("a join waits for all children and rethrows the first exception once") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(fail_after(world.clock, 2h, "the second"));
  scope.start(fail_after(world.clock, 1h, "the first"));
  scope.start(sleep_and_note(world.clock, 3h, notes, "the rest"));

  CHECK_THROWS_WITH(world.run(scope.join()), "the first");
  CHECK(notes == Notes{"the rest"});

  world.run(scope.join());
}

TEST_CASE("cancelling reaches the innermost operation of every child") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(noting(notes, "outer", noting(notes, "inner", world.clock.sleep_for(1h))));
  scope.start(noting(notes, "other", wait_for_ever()));
  world.clock.run_for(1min);
  CHECK(notes.empty());

  scope.cancel();
  CHECK(notes.empty());
  world.clock.run_until_idle();

  CHECK(notes == Notes{"inner", "outer", "other"});
  CHECK(scope.size() == 0);
  world.run(scope.join());  // a cancellation is no failure
}

Task<> keep_and_note(Living /*kept*/, Notes& notes) {
  notes.emplace_back("began");
  co_return;
}

TEST_CASE("a child that was cancelled before its first step never begins") {
  SimulatedWorld world;
  Notes notes;
  int living = 0;
  Scope scope{world.loop};
  scope.start(keep_and_note(Living{living}, notes));
  scope.start(note(notes, "began"));

  scope.cancel();
  world.clock.run_until_idle();

  CHECK(notes.empty());
  CHECK(living == 0);
  CHECK(scope.size() == 0);
}

TEST_CASE("what is started in a cancelled scope is dropped until a join has returned") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.cancel();
  scope.start(note(notes, "dropped"));
  CHECK(scope.size() == 0);

  world.run(scope.join());
  scope.start(note(notes, "begun"));
  world.run(scope.join());

  CHECK(notes == Notes{"begun"});
}

Task<> clean_up_with_a_child(SimulatedWorld& world, Scope& scope, Notes& notes) {
  try {
    co_await world.clock.sleep_for(1h);
  } catch (const boost::system::system_error&) {
    scope.start(sleep_and_note(world.clock, 1h, notes, "a late child"));
    throw;
  }
}

Task<> hold_out_and_note(Unstoppable& end, Notes& notes) {
  co_await hold_out(end);
  notes.emplace_back("slow child");
}

TEST_CASE("a cancelled join cancels the children and still waits for them") {
  SimulatedWorld world;
  Notes notes;
  Unstoppable slow_end;
  Scope scope{world.loop};
  Scope outer{world.loop};
  scope.start(clean_up_with_a_child(world, scope, notes));
  scope.start(hold_out_and_note(slow_end, notes));
  outer.start(join_and_note(scope, notes));
  world.clock.run_for(1min);

  outer.cancel();
  world.clock.run_for(2h);
  CHECK(scope.size() == 1);
  CHECK(outer.size() == 1);
  slow_end.wake();
  world.clock.run_until_idle();

  CHECK(notes == Notes{"slow child"});
  CHECK(scope.size() == 0);
  CHECK(outer.size() == 0);
}

Task<> fail_when_cancelled() {
  try {
    co_await wait_for_ever();
  } catch (const boost::system::system_error&) {
    throw std::runtime_error("cleaning up failed");
  }
}

TEST_CASE("a cancelled join still tells what a child threw") {
  SimulatedWorld world;
  Scope scope{world.loop};
  Scope outer{world.loop};
  scope.start(fail_when_cancelled());
  outer.start(scope.join());
  world.clock.run_until_idle();

  outer.cancel();

  CHECK_THROWS_WITH(world.run(outer.join()), "cleaning up failed");
}

TEST_CASE("several tasks may join") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(sleep_and_note(world.clock, 1h, notes, "child"));
  Scope joiners{world.loop};
  joiners.start(join_and_note(scope, notes));
  joiners.start(join_and_note(scope, notes));

  world.run(joiners.join());

  CHECK(notes == Notes{"child", "joined", "joined"});
}

Task<bool> ended_well(Task<> task) {
  try {
    co_await std::move(task);
  } catch (const boost::system::system_error&) {
    co_return false;
  }
  co_return true;
}

TEST_CASE("run cancels the other children when the body fails") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(noting(notes, "child", wait_for_ever()));

  CHECK_THROWS_WITH(world.run(scope.run(fail_after(world.clock, 1h, "the body"))), "the body");

  CHECK(notes == Notes{"child"});
  CHECK(scope.size() == 0);
}

TEST_CASE("run waits for the other children when the body ends well") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  scope.start(sleep_and_note(world.clock, 2h, notes, "child"));

  world.run(scope.run(sleep_and_note(world.clock, 1h, notes, "body")));

  CHECK(notes == Notes{"body", "child"});
}

TEST_CASE("run throws when its body was cancelled or never began") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  Operation<bool> run{world.loop, ended_well(scope.run(noting(notes, "body", wait_for_ever())))};
  world.clock.run_until_idle();

  scope.cancel();
  world.clock.run_until_idle();
  CHECK(notes == Notes{"body"});
  CHECK(run.value() == false);

  scope.cancel();
  CHECK(!world.run(ended_well(scope.run(note(notes, "never")))));
  CHECK(world.run(ended_well(scope.run(note(notes, "again")))));
  CHECK(notes == Notes{"body", "again"});
}

TEST_CASE("a cancelled run cancels body and children") {
  SimulatedWorld world;
  Notes notes;
  Scope scope{world.loop};
  Scope outer{world.loop};
  scope.start(noting(notes, "child", wait_for_ever()));
  outer.start(scope.run(noting(notes, "body", wait_for_ever())));
  world.clock.run_until_idle();

  outer.cancel();
  world.clock.run_until_idle();

  CHECK(notes == Notes{"child", "body"});
  CHECK(outer.size() == 0);
}

TEST_CASE("a scope that ends before its children is a broken promise") {
  CHECK(dies_saying("its children still run", [] {
    SimulatedWorld world;
    Scope scope{world.loop};
    scope.start(wait_for_ever());
    world.clock.run_until_idle();
  }));
}

}  // namespace
}  // namespace sluice
