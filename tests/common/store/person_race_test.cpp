// What two processes decide about one person at the same moment.
#include <doctest/doctest.h>

#include "common/store/consent.hpp"
#include "common/store/effect_settling.hpp"
#include "common/store/persons.hpp"
#include "common/store/rows.hpp"
#include "tests/common/store/ledger.hpp"

namespace sluice::store {
namespace {

using std::chrono::microseconds;
constexpr int rounds = 1000;
constexpr int rounds_at_once = 25;

constexpr db::Sql state_of = "SELECT state FROM effects WHERE tenant = $1 AND id = $2";

// One round: somebody begins an attempt while somebody else forbids it. The one who forbids looks, in the same batch
// and hence under the same lock, whether the attempt was there before.
struct Round {
  Customer who;
  EffectPlan planned;
  std::optional<Verdict> verdict = {};
  std::string state_before_forbidding = {};
};

db::Batch forbidding(const Round& round, std::uint64_t how) {
  const auto event = event_id(round.planned.id.text());
  if (how == 0)
    return consent_batch({.tenant = round.who.tenant,
                          .event = event,
                          .person = round.who.person,
                          .word = Word::stop,
                          .channel = event::Channel::sms,
                          .sender = "",
                          .source = "word",
                          .text = "STOP",
                          .at = at(1)},
                         at(1));
  return hand_over_batch({round.who.key, event, InCharge::human, "label", at(1)}, at(1));
}

Task<> try_it(db::Database& database, Round& round, Clock& clock, Duration pause) {
  auto pausing = clock.sleep_for(pause);
  co_await std::move(pausing);
  auto through = gate(round.who);
  through.conversation = round.who.key;
  through.epoch = 0;
  auto beginning = begin_attempt(database, attempt(round.planned), through, at(1000));
  const auto begun = co_await std::move(beginning);
  REQUIRE_MESSAGE(begun.has_value(), begun.error().sentence);
  round.verdict = begun->verdict;
}

Task<> forbid_it(db::Database& database, Round& round, Clock& clock, Duration pause, std::uint64_t how) {
  auto pausing = clock.sleep_for(pause);
  co_await std::move(pausing);
  auto batch = forbidding(round, how);
  batch.statements.push_back({state_of, {round.planned.tenant.text(), round.planned.id.text()}});
  auto running = database.run(std::move(batch));
  const auto ran = co_await std::move(running);
  REQUIRE_MESSAGE(ran.has_value(), ran.error().sentence);
  round.state_before_forbidding = ran->back().text(0, 0);
}

std::vector<Round> planned_rounds(StoreWorld& world, int first) {
  std::vector<Round> made;
  db::Batch batch;
  for (int number = first; number < first + rounds_at_once; ++number) {
    const auto who = customer(world, "bakery", fmt::format("whatsapp:+3160000{:05}", number));
    made.push_back({who, plan(who, fmt::format("event {}", number))});
    batch.statements.push_back(plan_effect(made.back().planned, at(0)));
  }
  world.sure(std::move(batch));
  return made;
}

void race(StoreWorld& world, db::Database& other, std::vector<Round>& made) {
  std::vector<Task<>> tasks;
  const auto pause = [&] { return world.random.between(microseconds{0}, microseconds{3000}); };
  for (auto& round : made) {
    const bool swapped = world.random.one_in(2);
    auto& tries = swapped ? other : world.database();
    auto& forbids = swapped ? world.database() : other;
    tasks.push_back(try_it(tries, round, world.clock(), pause()));
    tasks.push_back(forbid_it(forbids, round, world.clock(), pause(), world.random.below(2)));
  }
  world.run_all(std::move(tasks));
}

}  // namespace

TEST_CASE("no attempt commits after a STOP or a take-over that committed before it") {
  in_every_world([](StoreWorld& world) {
    CAPTURE(test_seed());
    const auto other = world.another();
    int begun = 0;
    for (int first = 0; first < rounds; first += rounds_at_once) {
      auto made = planned_rounds(world, first);
      race(world, *other, made);
      for (const auto& round : made) {
        const bool open = round.verdict == Verdict::open;
        CHECK(open == (round.state_before_forbidding == "attempting"));
        begun += open ? 1 : 0;
      }
    }
    CHECK(begun > 0);
    CHECK(begun < rounds);
    world.run(other->close());
  });
}

namespace {

// What a process may do with an effect, at random.
struct Contest {
  EffectPlan planned;
  int sends = 0;  // that went out
};

Task<> contend(db::Database& database, Contest& contest, std::string owner, Clock& clock, Random& random) {
  for (int turn = 0; turn < 6; ++turn) {
    auto finding = find_effect(database, contest.planned.tenant, contest.planned.id);
    const auto found = co_await std::move(finding);
    REQUIRE_MESSAGE(found.has_value(), found.error().sentence);
    auto mine = attempt(contest.planned, owner, (*found)->attempt, (*found)->generation);
    auto beginning = begin_attempt(database, mine, {}, at(1000));
    const auto begun = co_await std::move(beginning);
    REQUIRE_MESSAGE(begun.has_value(), begun.error().sentence);
    if (begun->verdict != Verdict::open) continue;
    auto pausing = clock.sleep_for(random.between(microseconds{0}, microseconds{500}));
    co_await std::move(pausing);
    if (random.one_in(2)) {
      auto setting_back = back_to_planned(database, mine, "429", "");
      const auto back = co_await std::move(setting_back);
      CHECK(back.has_value());
    } else {
      contest.sends += 1;
      auto settling = sent(database, mine.tenant, mine.effect, owner, at(1001));
      const auto settled = co_await std::move(settling);
      REQUIRE(settled.has_value());
      CHECK(*settled == Settled::now);
    }
  }
}

}  // namespace

TEST_CASE("processes that try one effect at once send it once at most") {
  in_every_world([](StoreWorld& world) {
    CAPTURE(test_seed());
    const auto other = world.another();
    const auto who = customer(world);
    std::vector<Contest> contests;
    for (int number = 0; number < 20; ++number) {
      contests.push_back({plan(who, fmt::format("event {}", number))});
      world.sure(plan_effect(contests.back().planned, at(0)));
    }
    std::vector<Task<>> tasks;
    for (auto& contest : contests) {
      for (int process = 0; process < 4; ++process) {
        auto& database = process % 2 == 0 ? world.database() : *other;
        tasks.push_back(
            contend(database, contest, fmt::format("{} {}", contest.planned.id, process), world.clock(), world.random));
      }
    }

    world.run_all(std::move(tasks));

    int sends = 0;
    for (const auto& contest : contests) {
      CHECK(contest.sends <= 1);
      CHECK((contest.sends == 1) == (effect(world, contest.planned).state == EffectState::sent));
      sends += contest.sends;
    }
    CHECK(sends > 0);
    world.run(other->close());
  });
}

namespace {

Task<> unite(db::Database& database, std::vector<std::string> numbers) {
  std::vector<event::Address> addresses;
  for (const auto& number : numbers) addresses.push_back(address(number));
  auto uniting = find_or_make_person(database, tenant("bakery"), std::move(addresses), at(10));
  const auto united = co_await std::move(uniting);
  REQUIRE_MESSAGE(united.has_value(), united.error().sentence);
}

Task<> stop(db::Database& database, event::PersonId who, Clock& clock, Duration pause) {
  auto pausing = clock.sleep_for(pause);
  co_await std::move(pausing);
  auto stopping = record_consent(database,
                                 {.tenant = tenant("bakery"),
                                  .event = event_id("stop of " + who.text()),
                                  .person = who,
                                  .word = Word::stop,
                                  .channel = event::Channel::sms,
                                  .sender = "",
                                  .source = "word",
                                  .text = "STOP",
                                  .at = at(5)},
                                 at(5));
  const auto stopped = co_await std::move(stopping);
  REQUIRE_MESSAGE(stopped.has_value(), stopped.error().sentence);
}

}  // namespace

TEST_CASE("a STOP that is said while a person is being united binds whom they become") {
  in_every_world([](StoreWorld& world) {
    CAPTURE(test_seed());
    const auto other = world.another();
    std::vector<Task<>> tasks;
    std::vector<event::PersonId> younger;
    for (int round = 0; round < 60; ++round) {
      const auto number = [&](int which) { return fmt::format("+316{:04}{:04}", round, which); };
      person(world, "bakery", {number(0)}, at(0));
      younger.push_back(person(world, "bakery", {number(1)}, at(1)));
      tasks.push_back(unite(world.database(), {number(0), number(1)}));
      tasks.push_back(
          stop(*other, younger.back(), world.clock(), world.random.between(microseconds{0}, microseconds{3000})));
    }

    world.run_all(std::move(tasks));

    for (const auto& who : younger) {
      const auto older = world.sure(current_person(world.database(), tenant("bakery"), who));
      REQUIRE(older.has_value());
      CHECK(*older != who);
      CHECK(world.sure(consent_on(world.database(), tenant("bakery"), *older, event::Channel::whatsapp)) ==
            ConsentState::revoked);
    }
    world.run(other->close());
  });
}

}  // namespace sluice::store
