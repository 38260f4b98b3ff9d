// What the engine promises, one story each, on a log with one transaction for everything and on one without.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

Names of(const Names& all, std::string_view person) {
  Names some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [&](const std::string& name) { return name.starts_with(person); });
  return some;
}

Script::Step never(std::string sentence) {
  return [sentence](const event::Event&, Attempt&) -> Task<Outcome> {
    return [](std::string why) -> Task<Outcome> {
      co_return Outcome{Never{{Kind::invalid, std::move(why)}, "21211"}};
    }(sentence);
  };
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("the engine keeps its promises", Atomic, engine_stories) {
  EngineLimits limits;
  EngineWorld world{Atomic::value, limits};

  SUBCASE("every event is handled once and committed") {
    world.start();
    for (int n = 1; n <= 20; ++n) world.send(n % 2 == 0 ? "a" : "b", n);

    world.until([&] { return world.script.ended.size() == 20; });
    world.pass(1s);

    CHECK(of(world.script.began, "a") == Names{"a2", "a4", "a6", "a8", "a10", "a12", "a14", "a16", "a18", "a20"});
    CHECK(world.unfinished(world.topics.main) == 0);
    CHECK_FALSE(world.script.overlapped);
  }

  SUBCASE("a slow call delays its own conversation only") {
    world.script.steps["a1"] = slow(world, 20s);
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    for (int n = 1; n <= 50; ++n) world.send(fmt::format("p{}x", n), 1);

    world.pass(5s);

    CHECK(world.script.ended.size() == 50);
    CHECK(of(world.script.began, "a") == Names{"a1"});
    world.until([&] { return world.script.ended.size() == 52; });
    CHECK(of(world.script.ended, "a") == Names{"a1", "a2"});
  }

  SUBCASE("outputs are in the log when the event is committed") {
    world.script.otherwise = output_to_send;
    world.start();
    for (int n = 1; n <= 5; ++n) world.send("a", n);

    world.until([&] { return world.script.ended.size() == 5; });
    world.pass(1s);

    CHECK(world.read(event::main_topic_of("sluice", "send")).size() == 5);
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("what a process did not finish is done by the next one in order") {
    world.script.steps["a1"] = slow(world, 20s);
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.send("b", 1);
    world.pass(2s);
    world.crash();
    world.script.steps.clear();

    world.start();
    world.until([&] { return of(world.script.ended, "a").size() == 2; });

    CHECK(of(world.script.ended, "a") == Names{"a1", "a2"});
    CHECK(of(world.script.began, "b") == Names{"b1"});  // it was committed, above the unfinished one
  }

  SUBCASE("a stop finishes what runs and repeats nothing") {
    world.script.otherwise = slow(world, 3s);
    world.start();
    for (int n = 1; n <= 10; ++n) world.send(fmt::format("p{}x", n), 1);
    world.until([&] { return world.script.began.size() == 10; });

    world.stop();

    CHECK(world.script.ended.size() == 10);
    CHECK(world.unfinished(world.topics.main) == 0);
    world.start();
    world.pass(10s);
    CHECK(world.script.began.size() == 10);
  }

  SUBCASE("a failing event is tried again in its lane while others flow") {
    world.script.steps["a1"] = failing(2);
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.send("b", 1);

    world.until([&] { return world.script.ended.size() >= 5; });
    world.pass(1s);

    CHECK(of(world.script.began, "a") == Names{"a1", "a1", "a1", "a2"});
    CHECK(world.read(world.topics.retry).empty());
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a conversation that goes on failing is parked in order and comes back") {
    world.script.steps["a1"] = failing(5);
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.send("b", 1);
    world.pass(40s);  // three tries, then parked
    CHECK(of(world.script.began, "a") == Names{"a1", "a1", "a1"});
    CHECK(world.unfinished(world.topics.main) == 0);
    world.send("a", 3);  // queues up behind

    world.until([&] { return of(world.script.began, "a").size() == 8; });
    world.pass(2s);

    CHECK(of(world.script.began, "a") == Names{"a1", "a1", "a1", "a1", "a1", "a1", "a2", "a3"});
    CHECK(world.read(world.topics.retry).size() == 3);  // each once
    CHECK(world.unfinished(world.topics.retry) == 0);
    CHECK(world.process->engine->figures().parked_lanes == 0);
    world.send("a", 4);  // and now it flows again
    world.until([&] { return of(world.script.began, "a").size() == 9; });
    world.pass(2s);
    CHECK(world.read(world.topics.retry).size() == 3);
  }

  SUBCASE("a parked conversation survives its process in order") {
    world.script.steps["a1"] = failing(4);
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(40s);
    world.crash();
    world.send("a", 3);

    world.start();
    world.until([&] { return of(world.script.began, "a").size() == 7; });
    world.pass(2s);

    CHECK(of(world.script.began, "a") == Names{"a1", "a1", "a1", "a1", "a1", "a2", "a3"});
    CHECK(world.unfinished(world.topics.main) == 0);
    CHECK(world.unfinished(world.topics.retry) == 0);
  }

  SUBCASE("what can never work becomes a dead letter with everything it had") {
    world.script.steps["a1"] = never("the number 31612345678 is not valid");
    world.start();
    world.send("a", 1);
    world.send("a", 2);

    world.until([&] { return world.script.ended.size() == 2; });
    world.pass(1s);

    const auto letters = world.read(world.topics.dead);
    REQUIRE(letters.size() == 1);
    const auto original = record_of(message("a", 1), world.topics.main);
    CHECK(letters[0].value() == original.value);
    CHECK(letters[0].header("ce_id") == message("a", 1).id.text());
    CHECK(letters[0].header("sluice-dead-class") == "invalid");
    CHECK(letters[0].header("sluice-dead-code") == "21211");
    CHECK(letters[0].header("sluice-dead-message") == "the number … is not valid");
    CHECK(letters[0].header("sluice-dead-key") == original.key);
    CHECK(letters[0].key()->ends_with("/letter/0"));
    CHECK(of(world.script.ended, "a") == Names{"a1", "a2"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("what cannot be read is dead at once and stops nobody") {
    world.start();
    world.send_raw(
        {.topic = world.topics.main, .partition = 0, .key = "k", .value = "no JSON", .headers = {{"x", "y"}}});
    world.send("a", 1);

    world.until([&] { return world.script.ended.size() == 1; });
    world.pass(1s);

    const auto letters = world.read(world.topics.dead);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].value() == "no JSON");
    CHECK(letters[0].header("x") == "y");
    CHECK(letters[0].header("sluice-dead-class") == "corrupt");
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a handler that throws has failed once") {
    world.script.steps["a1"] = [](const event::Event&, Attempt&) -> Task<Outcome> {
      throw std::runtime_error{"oops"};
      co_return Outcome{engine::Done{}};
    };
    world.start();
    world.send("a", 1);
    world.send("b", 1);

    world.pass(40s);

    CHECK(of(world.script.began, "a").size() == 3);
    CHECK(of(world.script.ended, "b") == Names{"b1"});
    CHECK(world.process->engine->figures().parked_lanes == 1);
  }

  SUBCASE("the same event appended twice runs once when it stands in its lane") {
    world.script.steps["a1"] = slow(world, 5s);
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.send("a", 2);
    world.send("a", 1);

    world.until([&] { return of(world.script.ended, "a").size() == 2; });
    world.pass(10s);

    CHECK(of(world.script.began, "a") == Names{"a1", "a2"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("one answer may cover those that stand behind it") {
    world.script.steps["a1"] = slow(world, 5s);
    world.script.steps["a2"] = [](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      engine::Done done;
      done.covers_behind = attempt.behind().size();
      co_return Outcome{std::move(done)};
    };
    world.start();
    for (int n = 1; n <= 4; ++n) world.send("a", n);

    world.until([&] { return of(world.script.ended, "a").size() == 2; });
    world.pass(2s);

    CHECK(of(world.script.began, "a") == Names{"a1", "a2"});
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a handler hears that another event has come to stand behind") {
    bool heard = false;
    world.script.steps["a1"] = [&heard](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      return [](bool& told, Attempt& its) -> Task<Outcome> {
        co_await its.another_arrives();
        told = its.behind().size() == 1;
        co_return Outcome{Merged{}};
      }(heard, attempt);
    };
    world.start();
    world.send("a", 1);
    world.pass(1s);
    CHECK_FALSE(heard);
    world.send("a", 2);
    world.until([&] { return of(world.script.ended, "a").size() == 2; });

    CHECK(heard);
    CHECK(of(world.script.began, "a") == Names{"a1", "a2"});
  }

  SUBCASE("two processes share the partitions and keep every conversation in order") {
    world.script.otherwise = slow(world, 10ms);
    world.start();
    for (int n = 1; n <= 30; ++n) world.send(fmt::format("p{}x", n % 7), n);
    auto first = std::move(world.process);
    world.start();
    for (int n = 31; n <= 60; ++n) world.send(fmt::format("p{}x", n % 7), n);

    world.until([&] { return world.script.ended.size() >= 60; });
    world.pass(5s);

    CHECK(world.script.began.size() == 60);
    CHECK_FALSE(world.script.overlapped);
    CHECK(world.unfinished(world.topics.main) == 0);
    CHECK(first->engine->figures().pairs > 0);
    CHECK(world.process->engine->figures().pairs > 0);
    world.stop();
    world.process = std::move(first);
  }

  SUBCASE("an event whose time has not come leaves the lane and comes back within a second of its time") {
    const Instant start = world.world.clock.now();
    Instant came_back{};
    world.script.steps["a1"] = [start, &came_back](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      return [](Clock& clock, Instant from, Instant& back) -> Task<Outcome> {
        if (clock.now() - from < 1h) co_return Outcome{At{clock.wall() + 1h}};
        back = clock.now();
        co_return Outcome{engine::Done{}};
      }(attempt.clock(), start, came_back);
    };
    world.start();
    world.send("a", 1);
    world.send("a", 2);
    world.pass(5s);
    CHECK(of(world.script.ended, "a") == Names{"a1", "a2"});
    CHECK(world.unfinished(world.topics.main) == 0);

    world.until([&] { return of(world.script.ended, "a").size() == 3; });
    world.pass(1s);

    CHECK(of(world.script.ended, "a") == Names{"a1", "a2", "a1"});
    CHECK(came_back - start < 1h + 2s);
    CHECK(world.unfinished(world.topics.main) == 0);
    world.pass(24h);
    CHECK(world.script.ended.size() == 3);
  }

  SUBCASE("a scheduled event survives its process and a clock that jumps") {
    bool first = true;
    world.script.steps["a1"] = [&first](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      return [](Clock& clock, bool& once) -> Task<Outcome> {
        if (std::exchange(once, false)) co_return Outcome{At{clock.wall() + 2h}};
        co_return Outcome{engine::Done{}};
      }(attempt.clock(), first);
    };
    world.start();
    world.send("a", 1);
    world.pass(5s);
    world.crash();
    world.start();
    world.pass(5s);
    CHECK(world.script.ended.size() == 1);

    world.world.clock.jump_wall(3h);
    world.pass(15s);

    CHECK(world.script.ended.size() == 2);
  }

  SUBCASE("what leaves nothing behind that must be durable does not wait for the log") {
    Signal go;
    world.script.steps["a1"] = [&go](const event::Event&, Attempt&) -> Task<Outcome> {
      return [](Signal& signal) -> Task<Outcome> {
        co_await signal.wait();
        co_return Outcome{engine::Done{}};
      }(go);
    };
    world.start();
    for (int n = 1; n <= 5; ++n) world.send("a", n);
    world.pass(5s);
    world.broker.network().faults.strike_next(log::Fault::exhausted, 3);
    go.notify_all();
    world.pass(10ms);

    CHECK(of(world.script.ended, "a") == Names{"a1", "a2", "a3", "a4", "a5"});
    world.pass(60s);
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("a full dead-letter topic holds the lane and loses nothing") {
    world.script.steps["a1"] = never("no");
    world.start();
    world.send("a", 1);
    world.broker.network().faults.strike_next(log::Fault::exhausted, 3);
    world.pass(60s);

    CHECK(world.read(world.topics.dead).size() == 1);
    CHECK(world.unfinished(world.topics.main) == 0);
  }
}

TEST_CASE_TEMPLATE_INVOKE(engine_stories, WithoutTransactions, WithTransactions);
