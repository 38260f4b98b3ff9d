// What a pool does with a record when it is read, ahead of its turn.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/workers/engine/engine_world.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

// Notes what is read and what runs, in one history.
struct Reader final : Handler {
  explicit Reader(EngineWorld& its_world) : world(its_world) {}

  [[nodiscard]] bool reads_ahead() const override { return true; }
  Task<Result<void>> when_read(const event::Event& event) override {
    const std::string name = Script::name_of(event);
    history.push_back("read " + name);
    if (name == throws) throw std::runtime_error{"oops"};
    if (name == hangs) co_await world.world.clock.sleep_for(10s);
    if (name == fails && failures-- > 0) co_return fail(kind, "no");
    co_return Result<void>{};
  }
  Task<Outcome> handle(const event::Event& event, Attempt& attempt) override {
    history.push_back("run " + Script::name_of(event));
    auto outcome = co_await world.script.handle(event, attempt);
    co_return outcome;
  }

  EngineWorld& world;
  Names history;
  std::string throws;
  std::string hangs;
  std::string fails;
  Kind kind = Kind::unavailable;
  int failures = 0;
};

auto place(const Names& history, std::string_view what) {
  return std::find(history.begin(), history.end(), what) - history.begin();
}

}  // namespace

TEST_CASE("a record is read ahead of its turn and before its lane runs it") {
  EngineWorld world;
  Reader reader{world};
  world.handler = &reader;

  SUBCASE("while the one before it in its lane still runs") {
    world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 20s); };
    world.start();
    for (int n = 1; n <= 3; ++n) world.send("a", n);
    world.pass(5s);

    CHECK(world.script.began == Names{"a1"});
    CHECK(place(reader.history, "read a1") < place(reader.history, "run a1"));
    CHECK(place(reader.history, "read a2") < place(reader.history, "read a3"));
    CHECK(reader.history.size() == 4);
    world.pass(30s);
    CHECK(world.script.ended == Names{"a1", "a2", "a3"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("in the order of its partition however long one takes") {
    reader.hangs = "a1";
    world.start();
    for (int n = 1; n <= 3; ++n) world.send("a", n);
    world.pass(5s);
    CHECK(reader.history == Names{"read a1"});

    world.pass(20s);

    CHECK(place(reader.history, "read a1") < place(reader.history, "read a2"));
    CHECK(place(reader.history, "read a2") < place(reader.history, "read a3"));
    CHECK(world.script.ended == Names{"a1", "a2", "a3"});
  }

  SUBCASE("again until what stood in the way has passed") {
    reader.fails = "a1";
    reader.failures = 4;
    world.start();
    world.send("a", 1);
    world.pass(60s);

    CHECK(reader.history == Names{"read a1", "read a1", "read a1", "read a1", "read a1", "run a1"});
  }

  SUBCASE("and stops nobody when it never can be") {
    SUBCASE("because it is refused") {
      reader.fails = "a1";
      reader.failures = 1000;
      reader.kind = Kind::invalid;
    }
    SUBCASE("because it throws") {
      reader.throws = "a1";
    }
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(5s);

    CHECK(world.script.ended == Names{"a1", "a2"});
  }

  SUBCASE("also when its conversation is parked") {
    world.script.steps["a1"] = [](const event::Event&, Attempt&) -> Task<Outcome> {
      co_return Outcome{Later{{Kind::unavailable, "not now"}}};
    };
    world.start();
    world.send("a", 1);
    world.pass(40s);
    world.send("a", 2);
    world.pass(5s);

    CHECK(reader.history.back() == "read a2");
  }

  SUBCASE("and left to the next owner when the process stops meanwhile") {
    reader.hangs = "a1";
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(2s);
    world.stop();
    reader.hangs.clear();
    world.start();
    world.pass(5s);

    CHECK(world.script.ended == Names{"a1", "a2"});
    CHECK(world.process->engine->figures().records == 0);
  }
}
