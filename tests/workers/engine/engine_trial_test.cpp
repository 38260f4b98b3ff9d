// An event that kills the process is found, and nobody else is blamed.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "common/store/pauses.hpp"
#include "tests/workers/engine/both_logs.hpp"
#include "tests/workers/engine/engine_world.hpp"
#include "workers/engine/pausing.hpp"
#include "workers/engine/trial.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

// Kills the process that runs it, whatever else that process is doing.
struct Killer {
  explicit Killer(EngineWorld& its_world) : world(its_world) {}

  Script::Step step() {
    return [this](const event::Event&, Attempt& attempt) -> Task<Outcome> { return die(*this, attempt.clock()); };
  }
  static Task<Outcome> die(Killer& killer, Clock& clock) {
    co_await clock.sleep_for(killer.after);
    killer.world.process->log->crash(log::AfterCrash::silent);
    killer.world.process->database->crash();
    killer.struck = true;
    co_await clock.sleep_for(24h * 365);
    co_return Outcome{engine::Done{}};
  }

  // Starts the process again whenever it died, until nothing is unfinished. How often it died.
  int restart_until_quiet(const std::vector<std::string>& of_topics) {
    int deaths = 0;
    world.start();
    while (deaths < 100) {
      const auto quiet = [&] {
        return std::all_of(of_topics.begin(), of_topics.end(),
                           [&](const std::string& topic) { return world.unfinished(topic) == 0; });
      };
      for (int seconds = 0; seconds < 600 && !struck && !quiet(); ++seconds) {
        world.until([&] { return struck; }, 1s);
        if (!struck) world.pass(1s);  // nothing is due in it, but it passes
      }
      if (!std::exchange(struck, false)) return deaths;
      ++deaths;
      world.crash();
      world.start();
    }
    return deaths;
  }

  // Starts the process again whenever it died, until there is a dead letter. How many began; `before` each of them.
  int restart_until_letter(const std::function<void(int life)>& before = {}) {
    constexpr int lives_max = 40;
    int lives = 0;
    while (lives < lives_max && world.read(world.topics.dead).empty()) {
      ++lives;
      if (before) before(lives);
      world.start();
      world.until([&] { return struck || !world.read(world.topics.dead).empty(); }, 60s);
      struck = false;
      world.crash();
    }
    return lives;
  }

  EngineWorld& world;
  Duration after{};
  bool struck = false;
};

std::map<std::string, int> counts(const std::vector<std::string>& names) {
  std::map<std::string, int> times;
  for (const auto& name : names) ++times[name];
  return times;
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("what kills the process is found", Atomic, trial_stories) {
  EngineWorld world{Atomic::value};
  Killer killer{world};

  SUBCASE("of many events exactly the one that kills becomes a dead letter") {
    SUBCASE("at once") {}
    SUBCASE("after others are done") {
      killer.after = 2s;
    }
    world.script.steps["x1"] = killer.step();
    world.script.otherwise = output_to_send;
    for (int n = 1; n <= 25; ++n) world.send(fmt::format("p{}x", n), 1);
    world.send("x", 1);
    world.send("x", 2);
    for (int n = 26; n <= 49; ++n) world.send(fmt::format("p{}x", n), 1);

    const int deaths = killer.restart_until_quiet({world.topics.main});

    MESSAGE("restarts until the culprit was found: ", deaths);
    CHECK(deaths <= 20);
    const auto letters = world.read(world.topics.dead);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].header("ce_id") == message("x", 1).id.text());
    CHECK(letters[0].header("sluice-dead-class") == "crash-suspect");
    CHECK(letters[0].header("sluice-dead-code") == "crash-suspect");
    const auto ended = counts(world.script.ended);
    CHECK(ended.size() == 50);
    std::set<std::string> effects;
    const auto outputs = world.read(event::main_topic_of("sluice", "send"));
    for (const auto& output : outputs) effects.emplace(*output.header("ce_id"));
    CHECK(effects.size() == 50);
    if (Atomic::value) CHECK(outputs.size() == 50);
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("an event whose tries came back is not blamed for ends before the next one") {
    world.script.steps["a1"] = [](const event::Event&, Attempt&) -> Task<Outcome> {
      return []() -> Task<Outcome> { co_return Outcome{Later{{Kind::unavailable, "not now"}}}; }();
    };
    world.send("a", 1);
    for (std::size_t life = 1; life <= 10; ++life) {
      world.start();
      world.until([&] { return world.script.began.size() == life; });
      world.pass(400ms);  // its answer is noted, its next try has not begun
      world.crash();
    }
    world.start();
    world.pass(60s);

    CHECK(world.read(world.topics.dead).empty());
  }

  SUBCASE("while others come and are done in every life") {
    killer.after = 3s;
    world.script.steps["x1"] = killer.step();
    world.send("x", 1);
    int sent = 0;
    const int deaths = killer.restart_until_letter([&](int /*life*/) {
      for (int n = 0; n < 20; ++n) world.send(fmt::format("p{}x", ++sent), 1);
    });

    MESSAGE("restarts until the culprit was found: ", deaths);
    CHECK(deaths <= 20);
    world.start();
    world.pass(60s);
    const auto letters = world.read(world.topics.dead);
    if (Atomic::value) CHECK(letters.size() == 1);
    for (const auto& letter : letters) CHECK(letter.header("ce_id") == message("x", 1).id.text());
    CHECK(counts(world.script.ended).size() == static_cast<std::size_t>(sent));
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("also one that answers at its first try and kills at the next") {
    world.script.steps["x1"] = [&killer](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      return [](Killer& its, Attempt& now) -> Task<Outcome> {
        if (now.tries_before() == 0) co_return Outcome{Later{{Kind::unavailable, "not now"}}};
        auto outcome = co_await Killer::die(its, now.clock());
        co_return outcome;
      }(killer, attempt);
    };
    for (int n = 1; n <= 10; ++n) world.send(fmt::format("p{}x", n), 1);
    world.send("x", 1);

    const int deaths = killer.restart_until_quiet({world.topics.main});

    MESSAGE("restarts until the culprit was found: ", deaths);
    CHECK(deaths <= 20);
    REQUIRE(world.read(world.topics.dead).size() == 1);
    CHECK(world.read(world.topics.dead)[0].header("ce_id") == message("x", 1).id.text());
    CHECK(counts(world.script.ended).size() == 11);  // its answers too
  }

  SUBCASE("a parked head that kills is found too") {
    bool sick = true;
    const auto fails = [&sick](const event::Event&, Attempt&) -> Task<Outcome> {
      return [](const bool& is_sick) -> Task<Outcome> {
        if (is_sick) co_return Outcome{Later{{Kind::unavailable, "not now"}}};
        co_return Outcome{engine::Done{}};
      }(sick);
    };
    world.script.otherwise = fails;
    world.start();
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1);
    world.send("x", 1);
    world.send("x", 2);
    world.pass(40s);
    REQUIRE(world.process->engine->figures().parked_lanes == 21);
    world.crash();
    sick = false;
    world.script.ended.clear();
    world.script.steps["x1"] = killer.step();

    const int deaths = killer.restart_until_quiet({world.topics.main, world.topics.retry});

    MESSAGE("restarts until the culprit was found: ", deaths);
    CHECK(deaths <= 20);
    const auto letters = world.read(world.topics.dead);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].header("ce_id") == message("x", 1).id.text());
    CHECK(letters[0].header("sluice-dead-class") == "crash-suspect");
    const auto ended = counts(world.script.ended);
    CHECK(ended.size() == 21);
    CHECK(world.unfinished(world.topics.retry) == 0);
    CHECK(world.process->engine->figures().parked_lanes == 0);
  }

  SUBCASE("two that kill are both found") {
    world.script.steps["x1"] = killer.step();
    world.script.steps["y1"] = killer.step();
    for (int n = 1; n <= 20; ++n) world.send(fmt::format("p{}x", n), 1);
    world.send("x", 1);
    world.send("y", 1);

    const int deaths = killer.restart_until_quiet({world.topics.main});

    MESSAGE("restarts until both were found: ", deaths);
    std::set<std::string> dead;
    for (const auto& letter : world.read(world.topics.dead)) dead.emplace(*letter.header("ce_id"));
    CHECK(dead == std::set<std::string>{message("x", 1).id.text(), message("y", 1).id.text()});
    CHECK(counts(world.script.ended).size() == 20);
  }

  SUBCASE("being in flight when the process is killed makes nobody a suspect") {
    world.script.otherwise = [&world](const event::Event&, Attempt&) { return done_after(world.world.clock, 300ms); };
    int sent = 0;
    for (int kills = 0; kills < 60; ++kills) {
      world.start();
      if (sent < 100) {
        for (int n = 0; n < 5; ++n) {
          ++sent;
          world.send(fmt::format("p{}x", sent % 13), sent);
        }
      }
      world.pass(world.world.random.between(Duration{11s}, Duration{14s}));  // ten seconds until the dead one is missed
      world.crash();
    }
    world.start();
    world.pass(60s);

    CHECK(world.read(world.topics.dead).empty());
    CHECK(counts(world.script.ended).size() == 100);
    CHECK(world.unfinished(world.topics.main) == 0);
  }

  SUBCASE("what is alone behind a head that waits for a dependency lets that head go on") {
    const auto people = people_in(0, 3);
    const auto elsewhere = people_in(1, 1).front();
    bool sick = true;
    world.script.otherwise = [&](const event::Event&, Attempt& attempt) { return done_after(attempt.clock(), 500ms); };
    world.script.steps[people[0] + "1"] = [&sick](const event::Event&, Attempt& attempt) -> Task<Outcome> {
      return [](const bool& is_sick, Attempt& its) -> Task<Outcome> {
        co_await its.clock().sleep_for(500ms);
        if (is_sick) co_return Outcome{Waiting{"twilio"}};
        co_return Outcome{engine::Done{}};
      }(sick, attempt);
    };
    world.script.steps[elsewhere + "1"] = slow(world, 20s);
    for (const auto& who : people) world.send(who, 1);
    world.send(people[0], 2);
    for (int lives = 0; lives < 4; ++lives) {  // all of them, all again, a group of four, one of two
      world.script.began.clear();
      world.start();
      world.until([&] { return !world.script.began.empty(); });
      world.pass(100ms);
      world.crash();
    }
    world.script.began.clear();
    world.start();
    world.until([&] { return world.script.began.size() == 3; });  // the first was alone and waits, two more run
    world.send(elsewhere, 1);
    world.pass(10s);
    sick = false;
    world.pass(40s);

    const auto ended = counts(world.script.ended);
    CHECK(ended.contains(people[0] + "2"));
    CHECK(ended.contains(elsewhere + "1"));
    CHECK(world.unfinished(world.topics.main) == 0);
    CHECK(world.read(world.topics.dead).empty());
  }

  SUBCASE("also one behind another that waits for a dependency in each life") {
    const auto people = people_in(0, 4);
    const auto& waits = people[0];
    const auto& kills = people[1];
    world.script.steps[waits + "1"] = [](const event::Event&, Attempt&) -> Task<Outcome> {
      return []() -> Task<Outcome> { co_return Outcome{Waiting{"twilio"}}; }();
    };
    world.script.steps[kills + "1"] = killer.step();
    world.send(waits, 1);
    SUBCASE("between others") {
      world.send(people[2], 1);
      world.send(kills, 1);
      world.send(people[3], 1);
    }
    SUBCASE("behind what has to wait for that one") {
      world.send(waits, 2);
      world.send(kills, 1);
    }
    SUBCASE("with what has to wait for that one on all sides") {
      world.send(waits, 2);
      world.send(waits, 3);
      world.send(people[2], 1);
      world.send(kills, 1);
      world.send(waits, 4);
    }

    const int deaths = killer.restart_until_letter();

    MESSAGE("restarts until the culprit was found: ", deaths);
    CHECK(deaths <= 20);
    const auto letters = world.read(world.topics.dead);
    REQUIRE_FALSE(letters.empty());
    for (const auto& letter : letters) CHECK(letter.header("ce_id") == message(kills, 1).id.text());
    CHECK_FALSE(world.script.overlapped);
  }

  SUBCASE("waiting for a dependency while the process is killed makes nobody a suspect") {
    bool sick = true;
    world.script.otherwise = [&sick](const event::Event&, Attempt&) -> Task<Outcome> {
      return [](const bool& is_sick) -> Task<Outcome> {
        if (is_sick) co_return Outcome{Waiting{"twilio"}};
        co_return Outcome{engine::Done{}};
      }(sick);
    };
    world.send("a", 1);
    world.send("b", 1);
    for (int kills = 0; kills < 12; ++kills) {
      world.start();
      world.pass(15s);
      world.crash();
    }
    sick = false;
    world.start();
    world.pass(30s);

    CHECK(world.read(world.topics.dead).empty());
    CHECK(world.unfinished(world.topics.main) == 0);
  }
}

TEST_CASE_TEMPLATE_INVOKE(trial_stories, WithoutTransactions, WithTransactions);

namespace {

// A parked head kills each process that runs it. How many processes began until there is a letter; before the one with
// this number the breaker of dead letters pauses the tenant.
int lives_until_letter(int paused_life) {
  EngineWorld world{true};
  Killer killer{world};
  world.script.otherwise = [](const event::Event&, Attempt&) -> Task<Outcome> {
    return []() -> Task<Outcome> { co_return Outcome{Later{{Kind::unavailable, "not now"}}}; }();
  };
  world.start();
  world.send("x", 1);
  world.pass(40s);
  REQUIRE(world.process->engine->figures().parked_lanes == 1);
  world.crash();
  world.script.otherwise = {};
  world.script.steps["x1"] = killer.step();
  return killer.restart_until_letter([&](int life) {
    if (life != paused_life) return;
    db::SimulatedDatabase outside{world.store, world.world.loop, world.world.clock, world.world.random};
    REQUIRE(world.world
                .run(store::pause(outside, {.tenant = event::Tenant::parse("default").value(),
                                            .pool = "classify",
                                            .reason = "too many",
                                            .who = std::string{dead_rate_pauses},
                                            .since = world.world.clock.wall()}))
                .has_value());
    world.world.run(outside.close());
  });
}

}  // namespace

TEST_CASE("what is convicted becomes a dead letter even while its tenant's letters are held back") {
  constexpr int never = -1;
  const int lives = lives_until_letter(never);
  REQUIRE(lives < 20);

  CHECK(lives_until_letter(lives) == lives);
}

namespace {

CommitNote note_of(const Trial& trial, bool open = true, bool moved = false) {
  CommitNote note;
  trial.write(note, open, moved);
  return note;
}

}  // namespace

TEST_CASE("a trial halves its group at each end and convicts who was alone three times") {
  Trial trial;
  int deaths = 0;
  std::size_t left = 100;
  while (!trial.convicts(7)) {
    const std::size_t count = trial.is_on() ? std::min(left, trial.group_max()) : left;
    trial.begin(count, 7);
    trial = Trial{note_of(trial)};
    ++deaths;
    REQUIRE(deaths < 20);
  }

  CHECK(deaths == 2 + 7 + 3 - 1);  // 100 50 25 12 6 3 1: the last one three times
}

TEST_CASE("an end after the watermark has moved is no unclean end") {
  Trial trial;
  for (int ends = 0; ends < 10; ++ends) {
    trial.begin(5, 0);
    trial = Trial{note_of(trial, true, true)};
  }

  CHECK_FALSE(trial.is_on());
}

TEST_CASE("what ends well above a watermark that stands still is no progress") {
  Trial trial;
  for (int ends = 0; ends < 2; ++ends) {
    trial.begin(5, 0);
    CHECK_FALSE(trial.progress());
    trial = Trial{note_of(trial)};
  }

  CHECK(trial.is_on());
}

TEST_CASE("an end while nothing ran is no unclean end") {
  Trial trial;
  trial.begin(1, 0);
  trial = Trial{note_of(trial)};
  for (int ends = 0; ends < 10; ++ends) trial = Trial{note_of(trial)};

  CHECK_FALSE(trial.is_on());
  trial.begin(1, 0);
  CHECK(Trial{note_of(trial)}.is_on());
}

namespace {

// Eight events were unfinished; the groups are down to two.
Trial after_four_ends() {
  Trial trial;
  for (int ends = 0; ends < 4; ++ends) {
    trial.begin(trial.is_on() ? std::min<std::size_t>(8, trial.group_max()) : 8, 0);
    trial = Trial{note_of(trial)};
  }
  REQUIRE(trial.group_max() == 2);
  return trial;
}

}  // namespace

TEST_CASE("a trial goes on with the next owner when the last one let go cleanly") {
  const Trial trial = after_four_ends();

  const Trial next{note_of(trial, false)};

  CHECK(next.group_max() == 2);
}

TEST_CASE("after an end the groups go on where the last one began") {
  Trial trial = after_four_ends();
  trial.begin(2, 0);
  trial.passed(true);
  trial.begin(4, 40);

  const Trial next{note_of(trial)};

  CHECK(next.group_max() == 2);
  CHECK(next.turn() == 40);
}

TEST_CASE("a group that passed is followed by a larger one and the last one ends the trial") {
  Trial trial = after_four_ends();

  trial.begin(2, 0);
  trial.passed(true);
  CHECK(trial.group_max() == 4);
  trial.begin(4, 2);
  trial.passed(false);

  CHECK_FALSE(trial.is_on());
  CHECK(note_of(trial).unclean_ends == 0);
}
