#include "common/store/effects.hpp"

#include <doctest/doctest.h>

#include "common/store/consent.hpp"
#include "common/store/effect_settling.hpp"
#include "common/store/windows.hpp"
#include "tests/common/store/ledger.hpp"

namespace sluice::store {
namespace {

void say(StoreWorld& world, const Customer& who, Word word, event::Channel channel = event::Channel::whatsapp,
         std::int64_t when = 100) {
  world.sure(record_consent(world.database(),
                            {.tenant = who.tenant,
                             .event = event_id(fmt::format("word at {}", when)),
                             .person = who.person,
                             .word = word,
                             .channel = channel,
                             .sender = shop_number,
                             .source = "word",
                             .text = "words",
                             .at = at(when)},
                            at(when)));
}

void hand(StoreWorld& world, const Customer& who, InCharge to, std::int64_t when) {
  world.sure(
      hand_over(world.database(), {who.key, event_id(fmt::format("hand {}", when)), to, "label", at(when)}, at(when)));
}

void turn(StoreWorld& world, const Customer& who, std::string_view event) {
  world.sure(give_turn(world.database(), who.key, event_id(event), at(100)));
}

}  // namespace

TEST_CASE("an effect is planned once and found as it was planned") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    auto other = planned;
    other.request = "{}";

    world.sure(plan_effect(planned, at(5)));
    world.sure(plan_effect(other, at(6)));
    const auto found = effect(world, planned);

    CHECK(found.tenant == "bakery");
    CHECK(found.id == planned.id);
    CHECK(found.pool == "send");
    CHECK(found.event == planned.event.text());
    CHECK(found.kind == "reply");
    CHECK(found.conversation == who.key.text());
    CHECK(found.person == who.person.text());
    CHECK(found.request == planned.request);
    CHECK(found.state == EffectState::planned);
    CHECK(found.sid == "");
    CHECK(found.attempt == 0);
  });
}

TEST_CASE("effects of one event differ by pool and by index and by tenant") {
  const auto event = event_id("event");
  const auto first = effect_id(tenant("bakery"), event, "send");

  CHECK(first == effect_id(tenant("bakery"), event, "send", 0));
  CHECK(first != effect_id(tenant("bakery"), event, "send", 1));
  CHECK(first != effect_id(tenant("bakery"), event, "crm"));
  CHECK(first != effect_id(tenant("florist"), event, "send"));
}

TEST_CASE("an attempt says whose it is and since when") {
  in_every_world([](StoreWorld& world) {
    const auto planned = plan(customer(world));
    world.sure(plan_effect(planned, at(5)));

    CHECK(begin(world, attempt(planned)) == Verdict::open);
    const auto found = effect(world, planned);

    CHECK(found.state == EffectState::attempting);
    CHECK(found.owner == "a");
    CHECK(found.epoch == 7);
    CHECK(found.began_at == at(1000));
    CHECK(found.deadline_at == at(10'000));
    CHECK(found.boot == attempt(planned).began);
    CHECK(found.gate == "open");
  });
}

TEST_CASE("an attempt may plan its effect in the same breath") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);

    const auto begun = world.sure(begin_attempt(world.database(), attempt(planned), gate(who), at(1000), planned));

    CHECK(begun.verdict == Verdict::open);
    CHECK(begun.effect.state == EffectState::attempting);
    CHECK(begun.effect.request == planned.request);
  });
}

TEST_CASE("an attempt of an effect that was never planned is not found") {
  in_every_world([](StoreWorld& world) {
    const auto planned = plan(customer(world));

    const auto begun = world.run(begin_attempt(world.database(), attempt(planned), {}, at(1000)));

    REQUIRE_FALSE(begun.has_value());
    CHECK(begun.error().kind == Kind::not_found);
  });
}

TEST_CASE("who comes second finds the effect taken and changes nothing") {
  in_every_world([](StoreWorld& world) {
    const auto planned = plan(customer(world));
    world.sure(plan_effect(planned, at(5)));
    REQUIRE(begin(world, attempt(planned, "a")) == Verdict::open);

    const auto second = world.sure(begin_attempt(world.database(), attempt(planned, "b"), {}, at(2000)));

    CHECK(second.verdict == Verdict::taken);
    CHECK(second.effect.owner == "a");
    CHECK(effect(world, planned).owner == "a");
  });
}

TEST_CASE("another generation or another attempt than the planned one begins nothing") {
  in_every_world([](StoreWorld& world) {
    const auto planned = plan(customer(world));
    world.sure(plan_effect(planned, at(5)));

    CHECK(begin(world, attempt(planned, "a", 1, 0)) == Verdict::taken);
    CHECK(begin(world, attempt(planned, "a", 0, 1)) == Verdict::taken);
    CHECK(effect(world, planned).state == EffectState::planned);
  });
}

TEST_CASE("an attempt whose answer got lost is begun when it is asked again and not by its like") {
  in_every_world([](StoreWorld& world) {
    const auto planned = plan(customer(world));
    world.sure(plan_effect(planned, at(5)));
    const auto first = attempt(planned);
    auto after_restart = first;
    after_restart.began += std::chrono::seconds{1};
    auto next_assignment = first;
    next_assignment.epoch += 1;
    REQUIRE(begin(world, first) == Verdict::open);

    CHECK(begin(world, first) == Verdict::open);
    CHECK(begin(world, after_restart) == Verdict::taken);
    CHECK(begin(world, next_assignment) == Verdict::taken);
  });
}

TEST_CASE("a row is too old to be sent from when five seconds have passed since it was begun") {
  const Attempting tried{.tenant = tenant("bakery"),
                         .effect = effect_id(tenant("bakery"), event_id("e"), "send"),
                         .owner = "a",
                         .began = Instant{std::chrono::seconds{3}}};

  CHECK(is_fresh(tried, tried.began));
  CHECK(is_fresh(tried, tried.began + attempt_age_max - std::chrono::nanoseconds{1}));
  CHECK_FALSE(is_fresh(tried, tried.began + attempt_age_max));
}

TEST_CASE("the gate is shut by STOP and the refusal is kept with its reason") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    say(world, who, Word::stop, event::Channel::sms, 100);

    CHECK(begin(world, attempt(planned), gate(who)) == Verdict::stopped);
    CHECK(effect(world, planned).state == EffectState::planned);
    CHECK(effect(world, planned).gate == "stopped");
    CHECK(effect(world, planned).owner == "");

    say(world, who, Word::start, event::Channel::whatsapp, 200);
    CHECK(begin(world, attempt(planned), gate(who)) == Verdict::open);
  });
}

TEST_CASE("the permitted confirmation passes a gate that STOP has shut") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    say(world, who, Word::stop);

    CHECK(begin(world, attempt(planned), Gate{.person = who.person}) == Verdict::open);
  });
}

TEST_CASE("what needs a grant does not pass without one on its channel") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    auto through = gate(who);
    through.needs_grant = true;

    CHECK(begin(world, attempt(planned), through) == Verdict::not_granted);
    say(world, who, Word::start, event::Channel::sms, 100);
    CHECK(begin(world, attempt(planned), through) == Verdict::not_granted);
    say(world, who, Word::start, event::Channel::whatsapp, 200);
    CHECK(begin(world, attempt(planned), through) == Verdict::open);
  });
}

TEST_CASE("a closed window shuts the gate of its sender until the person writes") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    world.sure(window_closed_at(who.tenant, who.person, address(shop_number), at(50)));
    auto through = gate(who);
    through.ours = address("whatsapp:+31209999999");
    const auto other = plan(who, "other");
    world.sure(plan_effect(other, at(5)));

    CHECK(begin(world, attempt(other), through) == Verdict::open);
    through.ours = address(shop_number);
    CHECK(begin(world, attempt(planned), through) == Verdict::closed);
    world.sure(inbound_at(who.tenant, who.person, address(shop_number), at(60)));
    CHECK(begin(world, attempt(planned), through) == Verdict::open);
  });
}

TEST_CASE("a draft of an older epoch does not pass") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    auto through = gate(who);
    through.conversation = who.key;
    through.epoch = 0;
    hand(world, who, InCharge::human, 10);
    hand(world, who, InCharge::bot, 20);

    CHECK(begin(world, attempt(planned), through) == Verdict::handed_over);
    through.epoch = 2;
    CHECK(begin(world, attempt(planned), through) == Verdict::open);
  });
}

TEST_CASE("a draft does not pass while a newer turn is there") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    turn(world, who, "first");
    turn(world, who, "second");
    auto through = gate(who);
    through.conversation = who.key;
    through.turn = 1;

    CHECK(begin(world, attempt(planned), through) == Verdict::superseded);
    through.turn = 2;
    CHECK(begin(world, attempt(planned), through) == Verdict::open);
  });
}

TEST_CASE("epoch and turn of an alias are those of the conversation that it leads to") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto alias = conversation("bakery", "whatsapp:NL.13491208655302741918");
    world.sure(unite_conversations(world.database(), who.key, alias, at(10)));
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    auto through = gate(who);
    through.conversation = alias;
    through.epoch = 0;
    through.turn = 0;
    turn(world, who, "first");

    CHECK(begin(world, attempt(planned), through) == Verdict::superseded);
    through.turn = 1;
    hand(world, who, InCharge::human, 20);
    CHECK(begin(world, attempt(planned), through) == Verdict::handed_over);
    through.epoch = 1;
    CHECK(begin(world, attempt(planned), through) == Verdict::open);
  });
}

TEST_CASE("a gate for a person who was united with another asks to look again") {
  in_every_world([](StoreWorld& world) {
    const std::string user_id = "whatsapp:NL.13491208655302741918";
    const auto older = person(world, "bakery", {user_id}, at(-10));
    const auto who = customer(world);
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    REQUIRE(person(world, "bakery", {user_id, "whatsapp:+31612345678"}) == older);
    auto through = gate(who);
    through.conversation = who.key;

    CHECK(begin(world, attempt(planned), through) == Verdict::moved);
    through.person = older;
    CHECK(begin(world, attempt(planned), through) == Verdict::open);
  });
}

TEST_CASE("a gate with somebody else's conversation asks to look again") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto other = customer(world, "bakery", "whatsapp:+31600000002");
    const auto planned = plan(who);
    world.sure(plan_effect(planned, at(5)));
    auto through = gate(who);
    through.conversation = other.key;

    CHECK(begin(world, attempt(planned), through) == Verdict::moved);
  });
}

TEST_CASE("two tenants with the same effect do not see each other's") {
  in_every_world([](StoreWorld& world) {
    const auto ours = plan(customer(world, "bakery"));
    auto theirs = plan(customer(world, "florist"));
    theirs.id = ours.id;
    world.sure(plan_effect(ours, at(5)));
    CHECK_FALSE(world.sure(find_effect(world.database(), tenant("florist"), theirs.id)).has_value());
    world.sure(plan_effect(theirs, at(5)));

    REQUIRE(begin(world, attempt(ours)) == Verdict::open);
    CHECK(effect(world, theirs).state == EffectState::planned);
    REQUIRE(begin(world, attempt(theirs)) == Verdict::open);
    world.sure(sent(world.database(), ours.tenant, ours.id, "SM1", at(2000)));

    CHECK(effect(world, theirs).state == EffectState::attempting);
    CHECK_FALSE(world.sure(find_effect_by_sid(world.database(), tenant("florist"), "send", "SM1")).has_value());
    CHECK(world.sure(find_effect_by_sid(world.database(), tenant("bakery"), "send", "SM1"))->id == ours.id);
    CHECK_FALSE(world.sure(find_effect_by_sid(world.database(), tenant("bakery"), "crm", "SM1")).has_value());
  });
}

TEST_CASE("an effect is resent by one other effect at most") {
  in_every_world([](StoreWorld& world) {
    const auto who = customer(world);
    const auto lost = plan(who, "lost");
    auto resend = plan(who, "resend");
    auto another = plan(who, "another");
    resend.resend_of = lost.id;
    another.resend_of = lost.id;
    for (const auto& planned : {lost, resend, resend}) world.sure(plan_effect(planned, at(5)));

    db::Batch batch;
    batch.statements.push_back(plan_effect(another, at(6)));
    const auto planned = world.run(std::move(batch));

    REQUIRE_FALSE(planned.has_value());
    CHECK(planned.error().kind == Kind::conflict);
  });
}

}  // namespace sluice::store
