#include "common/store/persons.hpp"

#include <map>
#include <set>

#include <doctest/doctest.h>

#include "common/store/consent.hpp"
#include "common/store/conversations.hpp"
#include "common/store/rows.hpp"
#include "common/store/windows.hpp"
#include "tests/common/store/people.hpp"

namespace sluice::store {
namespace {

const std::string number = "+31612345678";
const std::string on_whatsapp = "whatsapp:+31612345678";
const std::string user_id = "whatsapp:NL.13491208655302741918";

void say(StoreWorld& world, const event::PersonId& who, Word word, event::Channel channel, WallTime when,
         std::string_view event) {
  world.sure(record_consent(world.database(),
                            {.tenant = tenant("bakery"),
                             .event = event_id(event),
                             .person = who,
                             .word = word,
                             .channel = channel,
                             .sender = shop_number,
                             .source = "word",
                             .text = "words",
                             .at = when},
                            when));
}

std::optional<event::PersonId> found(StoreWorld& world, std::string_view of_tenant, const std::string& theirs) {
  return world.sure(find_person(world.database(), tenant(of_tenant), address(theirs)));
}

}  // namespace

TEST_CASE("a person is made once and one number on two channels is one person") {
  in_every_world([](StoreWorld& world) {
    CHECK_FALSE(found(world, "bakery", number).has_value());

    const auto made = person(world, "bakery", {number});
    const auto again = person(world, "bakery", {on_whatsapp}, at(99));

    CHECK(made == again);
    CHECK(found(world, "bakery", on_whatsapp) == made);
    CHECK(world.count("SELECT count(*) FROM persons") == 1);
  });
}

TEST_CASE("two tenants with the same customer have a person each") {
  in_every_world([](StoreWorld& world) {
    const auto theirs = person(world, "florist", {number, user_id});
    const auto ours = person(world, "bakery", {number});

    CHECK(ours != theirs);
    CHECK_FALSE(found(world, "bakery", user_id).has_value());
    CHECK_FALSE(world.sure(current_person(world.database(), tenant("bakery"), theirs)).has_value());
    CHECK(world.sure(identities_of(world.database(), tenant("bakery"), theirs)).empty());
  });
}

TEST_CASE("an address that a message proves to be a known person's becomes an alias") {
  in_every_world([](StoreWorld& world) {
    const auto known = person(world, "bakery", {number});

    const auto proved = person(world, "bakery", {user_id, on_whatsapp});

    CHECK(proved == known);
    CHECK(found(world, "bakery", user_id) == known);
    CHECK(world.sure(identities_of(world.database(), tenant("bakery"), known)) ==
          std::vector<std::string>{"+31612345678", "NL.13491208655302741918"});
  });
}

TEST_CASE("two persons that a message proves to be one become the older one under every id") {
  in_every_world([](StoreWorld& world) {
    const auto younger = person(world, "bakery", {number}, at(20));
    const auto older = person(world, "bakery", {user_id}, at(10));

    const auto united = person(world, "bakery", {on_whatsapp, user_id}, at(30));

    CHECK(united == older);
    CHECK(found(world, "bakery", number) == older);
    CHECK(world.sure(current_person(world.database(), tenant("bakery"), younger)) == older);
    CHECK(world.sure(current_person(world.database(), tenant("bakery"), older)) == older);
  });
}

TEST_CASE("a person who was united twice is found by the first id too") {
  in_every_world([](StoreWorld& world) {
    const auto youngest = person(world, "bakery", {"+31600000003"}, at(30));
    const auto middle = person(world, "bakery", {"+31600000002"}, at(20));
    const auto oldest = person(world, "bakery", {"+31600000001"}, at(10));

    CHECK(person(world, "bakery", {"+31600000003", "+31600000002"}) == middle);
    CHECK(person(world, "bakery", {"+31600000002", "+31600000001"}) == oldest);

    CHECK(world.sure(current_person(world.database(), tenant("bakery"), youngest)) == oldest);
    CHECK(world.sure(identities_of(world.database(), tenant("bakery"), youngest)).size() == 3);
  });
}

TEST_CASE("a message that proves three persons to be one unites all of them") {
  in_every_world([](StoreWorld& world) {
    person(world, "bakery", {"+31600000003"}, at(30));
    person(world, "bakery", {"+31600000002"}, at(20));
    const auto oldest = person(world, "bakery", {"+31600000001"}, at(10));

    const auto united = person(world, "bakery", {"+31600000003", "+31600000002", "+31600000001"});

    CHECK(united == oldest);
    CHECK(found(world, "bakery", "+31600000003") == oldest);
  });
}

TEST_CASE("uniting keeps the strictest consent of each channel") {
  in_every_world([](StoreWorld& world) {
    const auto older = person(world, "bakery", {number}, at(10));
    const auto younger = person(world, "bakery", {user_id}, at(20));
    say(world, younger, Word::stop, event::Channel::sms, at(100), "stop");
    say(world, younger, Word::start, event::Channel::whatsapp, at(200), "start");
    say(world, older, Word::start, event::Channel::sms, at(300), "start of the older");

    person(world, "bakery", {number, user_id});
    const auto consents = world.sure(consents_of(world.database(), tenant("bakery"), younger));

    REQUIRE(consents.size() == 5);
    CHECK(consents[0] == Consent{event::Channel::sms, ConsentState::revoked, at(100), at(300)});
    CHECK(consents[1] == Consent{event::Channel::whatsapp, ConsentState::granted, at(200), at(200)});
    CHECK(consents[2].state == ConsentState::revoked);
    CHECK(world.sure(consents_of(world.database(), tenant("bakery"), older)) == consents);
    CHECK(world.sure(consent_evidence(world.database(), tenant("bakery"), older)).size() == 3);
  });
}

TEST_CASE("uniting takes over conversations and windows") {
  in_every_world([](StoreWorld& world) {
    const auto older = person(world, "bakery", {number}, at(10));
    const auto younger = person(world, "bakery", {user_id}, at(20));
    const auto key = conversation("bakery", user_id);
    world.sure(find_or_make_conversation(world.database(), key, younger, at(20)));
    world.sure(inbound_at(tenant("bakery"), younger, address(shop_number), at(500)));
    world.sure(inbound_at(tenant("bakery"), older, address(shop_number), at(400)));
    world.sure(window_closed_at(tenant("bakery"), older, address(shop_number), at(450)));

    person(world, "bakery", {number, user_id});

    CHECK(world.sure(find_conversation(world.database(), key))->person == older.text());
    const auto window = world.sure(find_window(world.database(), tenant("bakery"), older, address(shop_number)));
    CHECK(window == Window{at(500), at(450)});
    CHECK(world.count("SELECT count(*) FROM windows") == 1);
  });
}

TEST_CASE("a word that is said to an old id after uniting binds the person") {
  in_every_world([](StoreWorld& world) {
    const auto older = person(world, "bakery", {number}, at(10));
    const auto younger = person(world, "bakery", {user_id}, at(20));
    person(world, "bakery", {number, user_id});

    say(world, younger, Word::stop, event::Channel::whatsapp, at(100), "stop");

    CHECK(world.sure(consent_on(world.database(), tenant("bakery"), older, event::Channel::sms)) ==
          ConsentState::revoked);
  });
}

TEST_CASE("a person without an address is invalid") {
  in_every_world([](StoreWorld& world) {
    const auto made = world.run(find_or_make_person(world.database(), tenant("bakery"), {}, at(0)));

    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().kind == Kind::invalid);
  });
}

namespace {

Task<> make_and_keep(db::Database& database, std::vector<event::Address> theirs, WallTime now,
                     std::set<event::PersonId>& made) {
  auto making = find_or_make_person(database, tenant("bakery"), std::move(theirs), now);
  const auto person = co_await std::move(making);
  REQUIRE_MESSAGE(person.has_value(), person.error().sentence);
  made.insert(*person);
}

}  // namespace

TEST_CASE("processes that learn at once who is one person agree in the end") {
  in_every_world([](StoreWorld& world) {
    const auto other = world.another();
    for (int round = 0; round < 10; ++round) {
      const auto name = [&](int which) { return fmt::format("+3160000{:02}{:02}", round, which); };
      std::set<event::PersonId> made;
      std::vector<Task<>> tasks;
      for (int task = 0; task < 8; ++task) {
        auto& process = task % 2 == 0 ? world.database() : *other;
        std::vector<event::Address> pair{address(name(task % 4)), address(name((task + 1) % 4))};
        if (world.random.one_in(2)) std::swap(pair[0], pair[1]);
        tasks.push_back(make_and_keep(process, std::move(pair), at(static_cast<std::int64_t>(task)), made));
      }
      world.run_all(std::move(tasks));

      const auto one = found(world, "bakery", name(0));
      REQUIRE(one.has_value());
      for (int which = 1; which < 4; ++which) CHECK(found(world, "bakery", name(which)) == one);
      for (const auto& id : made) CHECK(world.sure(current_person(world.database(), tenant("bakery"), id)) == one);
    }
    world.run(other->close());
  });
}

}  // namespace sluice::store
