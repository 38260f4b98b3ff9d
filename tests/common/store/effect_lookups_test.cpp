#include "common/store/effect_lookups.hpp"

#include <doctest/doctest.h>

#include "common/store/effect_settling.hpp"
#include "tests/common/store/ledger.hpp"

namespace sluice::store {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds lease{3000};

EffectPlan begun(StoreWorld& world, const Customer& who, std::string_view event = "reply") {
  auto planned = plan(who, event);
  world.sure(plan_effect(planned, at(5)));
  REQUIRE(begin(world, attempt(planned)) == Verdict::open);
  return planned;
}

std::vector<Effect> claim(StoreWorld& world, std::int64_t now, std::string owner = "a", std::int64_t limit = 10) {
  return world.sure(claim_lookups(world.database(), "send", at(now), std::move(owner), lease, limit));
}

std::vector<Effect> overdue(StoreWorld& world, std::int64_t now, std::string pool = "send") {
  return world.sure(overdue_to_unknown(world.database(), std::move(pool), at(now), 10));
}

LookedUp nothing(StoreWorld& world, const Effect& looked, std::int64_t now, std::string owner = "a") {
  return world.sure(found_nothing(world.database(), looked, std::move(owner), at(now)));
}

}  // namespace

TEST_CASE("somebody's attempt is unknown when its deadline and five seconds have passed") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world, customer(world));

    CHECK(overdue(world, 14'999).empty());
    CHECK(overdue(world, 15'000, "crm").empty());
    const auto found = overdue(world, 15'000);

    REQUIRE(found.size() == 1);
    CHECK(found.front().id == planned.id);
    CHECK(effect(world, planned).state == EffectState::unknown);
    CHECK(effect(world, planned).lookup_due == at(15'000));
    CHECK(overdue(world, 20'000).empty());
  });
}

TEST_CASE("an attempt from the future is unknown too because a clock went back") {
  in_every_world([](StoreWorld& world) {
    begun(world, customer(world));

    CHECK(overdue(world, 1000 - 60'000).empty());
    CHECK(overdue(world, 1000 - 60'001).size() == 1);
  });
}

TEST_CASE("an unknown effect is looked up 5 and 15 and 30 and 60 seconds after its deadline and then stays unknown") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world, customer(world));
    world.sure(unknown(world.database(), attempt(planned), "timed out"));
    const auto deadline = 10'000;

    for (const auto after : {5'000, 15'000, 30'000, 60'000}) {
      CHECK(claim(world, deadline + after - 1).empty());
      const auto claimed = claim(world, deadline + after);
      REQUIRE(claimed.size() == 1);
      CHECK(claimed.front().id == planned.id);
      CHECK(claimed.front().detail == "timed out");
      const auto expected = after == 60'000 ? LookedUp::last : LookedUp::again;
      CHECK(nothing(world, claimed.front(), deadline + after) == expected);
    }

    CHECK(claim(world, 10'000'000).empty());
    CHECK(effect(world, planned).state == EffectState::unknown);
    CHECK(effect(world, planned).lookups == 4);
  });
}

TEST_CASE("a claimed look-up is nobody else's until its lease is over") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world, customer(world));
    world.sure(unknown(world.database(), attempt(planned), ""));

    const auto first = claim(world, 15'000, "a");
    CHECK(claim(world, 15'000 + lease.count() - 1, "b").empty());
    const auto second = claim(world, 15'000 + lease.count(), "b");

    REQUIRE(first.size() == 1);
    REQUIRE(second.size() == 1);
    CHECK(nothing(world, first.front(), 18'000, "a") == LookedUp::not_ours);
    CHECK(nothing(world, second.front(), 18'000, "b") == LookedUp::again);
    CHECK(nothing(world, second.front(), 18'000, "b") == LookedUp::not_ours);
    CHECK(effect(world, planned).lookups == 1);
  });
}

TEST_CASE("what a look-up or a callback finds ends the look-ups") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world, customer(world));
    world.sure(unknown(world.database(), attempt(planned), ""));
    const auto claimed = claim(world, 15'000);
    REQUIRE(claimed.size() == 1);

    CHECK(world.sure(sent(world.database(), planned.tenant, planned.id, "SM1", at(15'001))) == Settled::now);

    CHECK(nothing(world, claimed.front(), 15'002) == LookedUp::not_ours);
    CHECK(claim(world, 10'000'000).empty());
    CHECK_FALSE(world.sure(next_lookup(world.database(), "send")).has_value());
  });
}

TEST_CASE("an effect that stayed unknown is still settled by a late callback") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = begun(world, who);
    world.sure(unknown(world.database(), attempt(planned), ""));
    for (const auto after : {5'000, 15'000, 30'000, 60'000})
      nothing(world, claim(world, 10'000 + after).front(), 10'000 + after);
    CHECK(world.sure(list_effects(world.database(), who.tenant, ListedEffects::unknown)).size() == 1);

    CHECK(world.sure(settle_by_callback(world.database(), who.tenant, planned.id, "SM1", at(90'000))) == Settled::now);

    CHECK(effect(world, planned).state == EffectState::sent);
    CHECK(world.sure(list_effects(world.database(), who.tenant, ListedEffects::unknown)).empty());
  });
}

TEST_CASE("the next look-up is the first due one or the end of a lease or an attempt that becomes overdue") {
  in_every_world([](StoreWorld& world) {
    const auto next = [&] { return world.sure(next_lookup(world.database(), "send")); };
    const auto who = customer(world);
    CHECK_FALSE(next().has_value());

    const auto planned = begun(world, who, "first");
    CHECK(next() == at(15'000));
    world.sure(unknown(world.database(), attempt(planned), ""));
    CHECK(next() == at(15'000));
    const auto claimed = claim(world, 16'000);
    CHECK(next() == at(16'000) + lease);
    nothing(world, claimed.front(), 16'500);
    CHECK(next() == at(25'000));
    begun(world, who, "second");
    CHECK(next() == at(15'000));
    CHECK_FALSE(world.sure(next_lookup(world.database(), "crm")).has_value());
  });
}

TEST_CASE("names that belong to effects are told apart from those that do not") {
  in_every_world([](StoreWorld& world) {
    const auto planned = begun(world, customer(world));
    world.sure(sent(world.database(), planned.tenant, planned.id, "SM1", at(1)));
    const auto bound = [&](std::string_view of_tenant, std::string pool) {
      return world.sure(are_bound(world.database(), tenant(of_tenant), std::move(pool), {"SM0", "SM1", "SM2"}));
    };

    CHECK(bound("bakery", "send") == std::vector{false, true, false});
    CHECK(bound("florist", "send") == std::vector{false, false, false});
    CHECK(bound("bakery", "crm") == std::vector{false, false, false});
    CHECK(world.sure(are_bound(world.database(), tenant("bakery"), "send", {})).empty());
  });
}

TEST_CASE("people see the open and the unknown effects of their tenant page by page") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    auto planned = plan(who, "planned");
    world.sure(plan_effect(planned, at(1)));
    const auto looked_up = begun(world, who, "looked up");
    world.sure(unknown(world.database(), attempt(looked_up), ""));
    const auto left = begun(world, who, "left");
    const auto done = begun(world, who, "done");
    world.sure(sent(world.database(), who.tenant, done.id, "SM1", at(1)));
    begun(world, customer(world, "florist"), "theirs");
    for (const auto after : {5'000, 15'000, 30'000, 60'000}) {
      overdue(world, 15'000);
      for (const auto& claimed : claim(world, 10'000 + after)) {
        if (claimed.id == left.id) nothing(world, claimed, 10'000 + after);
      }
    }

    const auto list = [&](ListedEffects which, std::optional<ListedEffect> after, std::int64_t rows) {
      return world.sure(list_effects(world.database(), who.tenant, which, std::move(after), rows));
    };
    const auto first = list(ListedEffects::open, {}, 1);
    REQUIRE(first.size() == 1);
    const auto rest = list(ListedEffects::open, first.front(), 10);
    const auto unknown_ones = list(ListedEffects::unknown, {}, 10);

    CHECK(first.front().effect.id == planned.id);
    CHECK(first.front().planned_at == at(1));
    REQUIRE(rest.size() == 1);
    CHECK(rest.front().effect.id == looked_up.id);
    REQUIRE(unknown_ones.size() == 1);
    CHECK(unknown_ones.front().effect.id == left.id);
  });
}

}  // namespace sluice::store
