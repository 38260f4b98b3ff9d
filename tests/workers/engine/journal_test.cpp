// What the journal and the outcomes say of events, on a log with transactions and on one without.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include "common/store/journal.hpp"
#include "common/store/outcomes.hpp"
#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/journaling.hpp"
#include "workers/engine/letter.hpp"
#include "workers/engine/root_end.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

std::vector<store::JournalEntry> entries(EngineWorld& world, const std::string& tenant, const std::string& id) {
  db::SimulatedDatabase database{world.store, world.world.loop, world.world.clock, world.world.random};
  auto page = world.world.run(store::read_journal(database, event::Tenant::parse(tenant).value(), id)).value();
  world.world.run(database.close());
  return std::move(page.entries);
}

std::vector<store::JournalEntry> entries(EngineWorld& world, const event::Event& event) {
  return entries(world, event.tenant.text(), event.id.text());
}

Words words(const std::vector<store::JournalEntry>& entries) {
  Words all;
  for (const auto& entry : entries) all.push_back(fmt::format("{} {}", entry.what, entry.attempt));
  return all;
}

std::string outcome(EngineWorld& world, const event::Event& event) {
  db::SimulatedDatabase database{world.store, world.world.loop, world.world.clock, world.world.random};
  auto found = world.world.run(store::find_outcome(database, event.tenant, event.root)).value();
  world.world.run(database.close());
  if (!found) return "none";
  return fmt::format("{} {}", store::name_of(found->term), found->reason);
}

Script::Step answering(Outcome (*make)()) {
  return [make](const event::Event&, Attempt&) -> Task<Outcome> {
    return [](Outcome (*its)()) -> Task<Outcome> { co_return its(); }(make);
  };
}

store::JournalEntry numbered(int n) {
  return {.tenant = "default", .root = "r", .event = fmt::format("{}", n), .pool = "classify", .what = "done"};
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("the journal tells what happened", Atomic, journal_stories) {
  EngineWorld world{Atomic::value};

  SUBCASE("an event that ends at once is one row") {
    world.start();
    world.send("a", 1);
    world.pass(2s);

    const auto told = entries(world, message("a", 1));

    REQUIRE(words(told) == Words{"done 1"});
    CHECK(told[0].pool == "classify");
    CHECK(told[0].tenant == "default");
    CHECK(told[0].root == message("a", 1).id.text());
  }

  SUBCASE("a slow event is told of when it came and when it ended") {
    world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 20s); };
    world.start();
    world.send("a", 1);
    world.pass(2s);
    const auto early = entries(world, message("a", 1));
    REQUIRE(words(early) == Words{"received 0"});
    CHECK(early[0].detail.starts_with("sluice.classify partition "));

    world.pass(30s);

    CHECK(words(entries(world, message("a", 1))) == Words{"received 0", "done 1"});
  }

  SUBCASE("tries and waits of a failing event stand in order and without numbers") {
    world.script.steps["a1"] = failing(4, "31612345678 does not answer");
    world.start();
    world.send("a", 1);
    world.send("a", 2);

    world.pass(20min);

    const auto told = entries(world, message("a", 1));
    CHECK(fmt::format("{}", fmt::join(words(told), ", ")) == "received 0, later 1, later 2, parked 3, later 4, done 5");
    for (const auto& entry : told) CHECK(entry.detail.find("31612345678") == std::string::npos);
    REQUIRE(told.size() > 1);
    CHECK(told[1].detail == "unavailable: … does not answer");
    CHECK(words(entries(world, message("a", 2))) == Words{"received 0", "queued 0", "done 1"});
  }

  SUBCASE("a dead letter is found under its own name") {
    world.script.steps["a1"] = answering([]() -> Outcome { return Never{{Kind::invalid, "no such number"}, "21211"}; });
    world.start();
    world.send("a", 1);
    world.pass(2s);

    const auto event = message("a", 1);
    const Letter letter{.pool = "classify", .owner = {}, .from = {}, .event = &event, .why = {}, .code = {}};
    const auto told = entries(world, "default", letter_id(letter, 0));

    REQUIRE(words(told) == Words{"dead 1"});
    CHECK(told[0].detail == "invalid 21211: no such number");
    CHECK(outcome(world, event) == "dead_lettered invalid(21211)");
  }

  SUBCASE("a decision against is a row and the term of its root") {
    world.script.steps["a1"] = answering([]() -> Outcome { return Suppressed{"stopped"}; });
    world.script.steps["b1"] = answering([]() -> Outcome { return Suppressed{"human(waiting)"}; });
    world.script.steps["c1"] = answering([]() -> Outcome { return Suppressed{"expired"}; });
    world.script.steps["d1"] = answering([]() -> Outcome { return Merged{}; });
    world.script.steps["e1"] = answering([]() -> Outcome { return engine::Done{.term = store::Term::sent}; });
    world.start();
    for (const char* who : {"a", "b", "c", "d", "e", "f"}) world.send(who, 1);
    world.pass(2s);

    CHECK(words(entries(world, message("a", 1))) == Words{"suppressed 1"});
    CHECK(outcome(world, message("a", 1)) == "suppressed stopped");
    CHECK(outcome(world, message("b", 1)) == "human human(waiting)");
    CHECK(outcome(world, message("c", 1)) == "expired expired");
    CHECK(outcome(world, message("d", 1)) == "suppressed merged");
    CHECK(outcome(world, message("e", 1)) == "sent ");
    CHECK(outcome(world, message("f", 1)) == "none");  // its handler did not say how the root ended
  }

  SUBCASE("a pool beside the message says nothing of its root") {
    world.spec.ends_roots = false;
    world.script.steps["a1"] = answering([]() -> Outcome { return Never{{Kind::invalid, "no"}}; });
    world.start();
    world.send("a", 1);
    world.pass(2s);

    CHECK(words(entries(world, message("a", 1))) == Words{"dead 1"});
    CHECK(outcome(world, message("a", 1)) == "none");
  }

  SUBCASE("what is covered by one before it says by which") {
    world.script.steps["a1"] = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 5s); };
    world.script.steps["a2"] = [](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      co_return Outcome{engine::Done{.covers_behind = attempt.behind().size()}};
    };
    world.start();
    for (int n = 1; n <= 3; ++n) world.send("a", n);
    world.pass(10s);

    const auto told = entries(world, message("a", 3));

    REQUIRE(words(told) == Words{"received 0", "done 1"});
    CHECK(told[1].detail == "with " + message("a", 2).id.text());
  }

  SUBCASE("an event that is scheduled says until when") {
    bool first = true;
    world.script.steps["a1"] = [&first](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      return [](Clock& clock, bool& once) -> Task<Outcome> {
        if (std::exchange(once, false)) co_return Outcome{At{clock.wall() + 1h}};
        co_return Outcome{engine::Done{}};
      }(attempt.clock(), first);
    };
    world.start();
    world.send("a", 1);
    world.pass(2h);

    const auto told = entries(world, message("a", 1));

    REQUIRE(words(told) == Words{"scheduled 1", "done 1"});
    CHECK_MESSAGE(told[0].detail.starts_with("until 2026-01-01T01:00:"), told[0].detail);
  }

  SUBCASE("tenants with equal messages have their own rows") {
    world.start();
    world.send("a", 1, "one");
    world.send("a", 1, "two");
    world.pass(2s);

    CHECK(entries(world, message("a", 1, "one")).size() == 1);
    CHECK(entries(world, "two", message("a", 1, "one").id.text()).empty());
  }

  SUBCASE("a stop leaves nothing unwritten") {
    world.script.steps["a1"] = failing(1, "31612345678 does not answer");
    world.start();
    world.send("a", 1);
    world.until([&] { return world.script.ended.size() == 1; });

    world.stop();

    const auto told = words(entries(world, message("a", 1)));
    CHECK(std::find(told.begin(), told.end(), "later 1") != told.end());
  }

  SUBCASE("a database that is away for a while loses no row") {
    world.script.steps["a1"] = failing(1, "31612345678 does not answer");
    world.start();
    world.pass(1s);
    world.send("a", 1);
    world.until([&] { return world.script.ended.size() == 1; });
    world.process->database->cut();
    world.pass(10s);
    world.process->database->mend();

    world.pass(30s);

    CHECK(words(entries(world, message("a", 1))).back() == "done 2");
    CHECK(entries(world, message("a", 1)).size() >= 2);
    CHECK(world.process->engine->figures().journal_dropped == 0);
  }

  SUBCASE("a journal that is off writes nothing") {
    world.limits.journal = false;
    world.script.steps["a1"] = failing(4, "31612345678 does not answer");
    world.start();
    world.send("a", 1);
    world.send("b", 1);
    world.pass(20min);

    CHECK(world.script.ended.size() == 6);
    CHECK(entries(world, message("a", 1)).empty());
    CHECK(entries(world, message("b", 1)).empty());
  }
}

TEST_CASE_TEMPLATE_INVOKE(journal_stories, WithoutTransactions, WithTransactions);

TEST_CASE("above its bound the journal drops what waits longest") {
  Journaling journaling{true, 3};
  for (int n = 1; n <= 5; ++n) journaling.add(numbered(n));

  const auto taken = journaling.take(2);

  REQUIRE(taken.size() == 2);
  CHECK(taken[0].event == "3");
  CHECK(journaling.dropped() == 2);
  journaling.add_first(taken);
  CHECK(journaling.take(10).front().event == "3");
  CHECK(journaling.no_rows_wait());
}

TEST_CASE("an event that asks for no message has no term") {
  const WallTime now{};
  auto status = message("a", 1);
  status.kind = event::Known::message_status;

  CHECK_FALSE(word_of(Suppressed{"stopped"}, status, now));
  CHECK_FALSE(word_of(Later{{Kind::unavailable, "later"}}, message("a", 1), now));
  CHECK_FALSE(word_of(At{}, message("a", 1), now));
  CHECK(word_of(Never{{Kind::denied, "no"}}, message("a", 1), now)->reason == "denied");
}
