#include "common/store/effect_settling.hpp"

#include <doctest/doctest.h>

#include "common/store/effect_lookups.hpp"
#include "common/store/rows.hpp"
#include "tests/common/store/ledger.hpp"

namespace sluice::store {
namespace {

// An effect in its first attempt.
EffectPlan begun(StoreWorld& world, std::string_view event = "reply") {
  auto planned = plan(customer(world), event);
  world.sure(plan_effect(planned, at(5)));
  REQUIRE(begin(world, attempt(planned)) == Verdict::open);
  return planned;
}

Settled send(StoreWorld& world, const EffectPlan& of, std::string sid, std::int64_t when = 2000) {
  return world.sure(sent(world.database(), of.tenant, of.id, std::move(sid), at(when)));
}

void check_conflict(const Done& answer) {
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == Kind::conflict);
}

// Every step of an attempt that only its owner may take.
std::vector<Done> all_steps(StoreWorld& world, const Attempting& tried) {
  auto& database = world.database();
  return {world.run(back_to_planned(database, tried, "429", "later")),
          world.run(rejected(database, tried, "21211", "no such number", at(3000))),
          world.run(unknown(database, tried, "timed out"))};
}

}  // namespace

TEST_CASE("what was sent is sent under its name and saying so again changes nothing") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);

    CHECK(send(world, planned, "SM1") == Settled::now);
    CHECK(send(world, planned, "SM1") == Settled::already);
    CHECK(send(world, planned, "SM2") == Settled::otherwise);

    CHECK(effect(world, planned).state == EffectState::sent);
    CHECK(effect(world, planned).sid == "SM1");
  });
}

TEST_CASE("a definite no that may pass makes room for the next attempt alone") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);

    world.sure(back_to_planned(world.database(), attempt(planned), "429", "too many requests"));
    const auto back = effect(world, planned);

    CHECK(back.state == EffectState::planned);
    CHECK(back.attempt == 1);
    CHECK(back.code == "429");
    CHECK(back.detail == "too many requests");
    CHECK(begin(world, attempt(planned, "a", 0)) == Verdict::taken);
    CHECK(begin(world, attempt(planned, "b", 1)) == Verdict::open);
  });
}

TEST_CASE("a definite no that stays ends the effect") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);

    world.sure(rejected(world.database(), attempt(planned), "21211", "no such number", at(3000)));

    CHECK(effect(world, planned).state == EffectState::rejected);
    CHECK(effect(world, planned).code == "21211");
    CHECK(begin(world, attempt(planned, "b", 1)) == Verdict::taken);
  });
}

TEST_CASE("only who tries can end the try") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);
    auto other_owner = attempt(planned, "b");
    auto other_epoch = attempt(planned);
    other_epoch.epoch += 1;
    auto other_attempt = attempt(planned, "a", 1);
    auto other_generation = attempt(planned, "a", 0, 1);
    auto other_start = attempt(planned);
    other_start.began += std::chrono::nanoseconds{1};
    auto other_tenant = attempt(planned);
    other_tenant.tenant = tenant("florist");

    for (const auto& tried : {other_owner, other_epoch, other_attempt, other_generation, other_start, other_tenant}) {
      for (const auto& answer : all_steps(world, tried)) check_conflict(answer);
    }

    CHECK(effect(world, planned).state == EffectState::attempting);
  });
}

TEST_CASE("nothing weaker overwrites what was sent") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);
    send(world, planned, "SM1");

    for (const auto& answer : all_steps(world, attempt(planned))) check_conflict(answer);
    check_conflict(world.run(refuse_effect(world.database(), planned.tenant, planned.id, 0, "stopped", "", at(1))));
    check_conflict(world.run(replay_effect(world.database(), planned.tenant, planned.id, 0)));
    CHECK(world.sure(overdue_to_unknown(world.database(), "send", at(10'000'000), 10)).empty());

    CHECK(begin(world, attempt(planned)) == Verdict::taken);
    CHECK(effect(world, planned).state == EffectState::sent);
  });
}

TEST_CASE("that it was sent overwrites everything weaker") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto& of = who.tenant;
    auto& database = world.database();
    std::vector<EffectPlan> plans;
    for (const auto* name : {"planned", "attempting", "unknown", "rejected", "back", "replayed"}) {
      plans.push_back(plan(who, name));
      world.sure(plan_effect(plans.back(), at(5)));
      if (plans.size() > 1) REQUIRE(begin(world, attempt(plans.back())) == Verdict::open);
    }
    world.sure(unknown(database, attempt(plans[2]), "timed out"));
    world.sure(rejected(database, attempt(plans[3]), "21211", "", at(3000)));
    world.sure(back_to_planned(database, attempt(plans[4]), "429", ""));
    world.sure(rejected(database, attempt(plans[5]), "21211", "", at(3000)));
    world.sure(replay_effect(database, of, plans[5].id, 0));

    for (const auto& planned : plans) {
      const auto sid = "SM" + planned.event.text();
      CHECK(world.sure(settle_by_callback(database, of, planned.id, sid, at(4000))) == Settled::now);
      CHECK(effect(world, planned).state == EffectState::sent);
      CHECK(effect(world, planned).sid == sid);
      CHECK(begin(world, attempt(planned, "b", effect(world, planned).attempt, effect(world, planned).generation)) ==
            Verdict::taken);
    }
  });
}

TEST_CASE("a definite no is better known than unknown") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);
    REQUIRE(world.sure(overdue_to_unknown(world.database(), "send", at(15'000), 10)).size() == 1);

    check_conflict(world.run(back_to_planned(world.database(), attempt(planned), "429", "")));
    world.sure(rejected(world.database(), attempt(planned), "21211", "no such number", at(16'000)));

    CHECK(effect(world, planned).state == EffectState::rejected);
    CHECK_FALSE(effect(world, planned).lookup_due.has_value());
  });
}

TEST_CASE("an effect that was refused before any attempt is not tried") {
  in_every_world([](StoreWorld& world) {
    const auto planned = plan(customer(world));
    world.sure(plan_effect(planned, at(5)));

    world.sure(
        refuse_effect(world.database(), planned.tenant, planned.id, 0, "stopped", "the person said STOP", at(6)));

    CHECK(effect(world, planned).state == EffectState::rejected);
    CHECK(effect(world, planned).code == "stopped");
    CHECK(begin(world, attempt(planned)) == Verdict::taken);
    check_conflict(world.run(refuse_effect(world.database(), planned.tenant, planned.id, 0, "superseded", "", at(7))));
  });
}

TEST_CASE("an operator's replay tries a rejected effect in the next generation once") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);
    check_conflict(world.run(replay_effect(world.database(), planned.tenant, planned.id, 0)));
    world.sure(rejected(world.database(), attempt(planned), "21211", "no such number", at(3000)));

    world.sure(replay_effect(world.database(), planned.tenant, planned.id, 0));
    check_conflict(world.run(replay_effect(world.database(), planned.tenant, planned.id, 0)));

    CHECK(begin(world, attempt(planned, "late", 0, 0)) == Verdict::taken);
    CHECK(begin(world, attempt(planned, "a", 0, 1)) == Verdict::open);
    check_conflict(world.run(rejected(world.database(), attempt(planned), "21211", "of old", at(4000))));
    CHECK(effect(world, planned).state == EffectState::attempting);
  });
}

TEST_CASE("one name of the other side belongs to one effect") {
  in_every_world([](StoreWorld& world) {
    const auto first = begun(world, "first");
    const auto second = begun(world, "second");
    auto in_crm = plan(customer(world), "third", "crm");
    world.sure(plan_effect(in_crm, at(5)));
    send(world, first, "1001");

    const auto again = world.run(sent(world.database(), second.tenant, second.id, "1001", at(2000)));

    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().kind == Kind::conflict);
    CHECK(effect(world, second).state == EffectState::attempting);
    CHECK(send(world, in_crm, "1001") == Settled::now);
  });
}

TEST_CASE("a callback for an effect of another tenant or of nobody settles nothing") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);

    const auto foreign = world.sure(settle_by_callback(world.database(), tenant("florist"), planned.id, "SM1", at(1)));

    CHECK(foreign == Settled::not_there);
    CHECK(effect(world, planned).state == EffectState::attempting);
  });
}

TEST_CASE("steps in a batch undo the batch when the attempt is not the caller's") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world);
    const auto tried = attempt(planned);
    const auto other = attempt(planned, "b");

    for (const auto& row :
         {back_to_planned_row(other, "", ""), rejected_row(other, "", "", at(1)), unknown_row(other, "")}) {
      const auto ran = world.run(batch_of(row));
      REQUIRE_FALSE(ran.has_value());
      CHECK(ran.error().kind == Kind::conflict);
    }
    world.sure(unknown_row(tried, "timed out"));
    CHECK(effect(world, planned).state == EffectState::unknown);
    world.sure(sent_row(planned.tenant, planned.id, "SM1", at(1)));
    CHECK(effect(world, planned).state == EffectState::sent);
  });
}

TEST_CASE("only what is settled is forgotten and the oldest first") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    std::vector<EffectPlan> plans;
    for (int number = 0; number < 6; ++number) {
      plans.push_back(plan(who, fmt::format("e{}", number)));
      world.sure(plan_effect(plans.back(), at(5)));
      if (number > 0) REQUIRE(begin(world, attempt(plans.back())) == Verdict::open);
    }
    send(world, plans[2], "SM2", 300);
    send(world, plans[3], "SM3", 200);
    world.sure(rejected(world.database(), attempt(plans[4]), "21211", "", at(100)));
    world.sure(unknown(world.database(), attempt(plans[5]), ""));

    CHECK(world.sure(forget_settled_effects(world.database(), at(300), 1)) == 1);
    CHECK_FALSE(world.sure(find_effect(world.database(), who.tenant, plans[4].id)).has_value());
    CHECK(world.sure(forget_settled_effects(world.database(), at(300), 10)) == 1);
    CHECK(world.sure(forget_settled_effects(world.database(), at(1'000'000), 10)) == 1);

    CHECK(world.count("SELECT count(*) FROM effects") == 3);
  });
}

}  // namespace sluice::store
