#include "common/store/conversations.hpp"

#include <set>

#include <doctest/doctest.h>

#include "tests/common/store/people.hpp"

namespace sluice::store {
namespace {

const std::string caller = "whatsapp:+31612345678";
const std::string user_id = "whatsapp:NL.13491208655302741918";

struct Talk {
  event::PersonId who;
  event::ConversationKey key;
};

Talk talk(StoreWorld& world, std::string_view of_tenant = "bakery", const std::string& theirs = caller) {
  auto who = person(world, of_tenant, {theirs});
  auto key = conversation(of_tenant, theirs);
  world.sure(find_or_make_conversation(world.database(), key, who, at(0)));
  return {who, std::move(key)};
}

Turn turn(StoreWorld& world, const event::ConversationKey& key, std::string_view event, std::int64_t when = 100) {
  return world.sure(give_turn(world.database(), key, event_id(event), at(when)));
}

Conversation hand(StoreWorld& world, const event::ConversationKey& key, InCharge to, std::int64_t when,
                  std::string_view event) {
  return world.sure(hand_over(
      world.database(), {.key = key, .event = event_id(event), .to = to, .why = "label", .at = at(when)}, at(when)));
}

Conversation now(StoreWorld& world, const event::ConversationKey& key) {
  const auto found = world.sure(find_conversation(world.database(), key));
  REQUIRE(found.has_value());
  return *found;
}

}  // namespace

TEST_CASE("a conversation begins with the bot in charge and is made once") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {caller});
    const auto key = conversation("bakery", caller);
    CHECK_FALSE(world.sure(find_conversation(world.database(), key)).has_value());

    const auto made = world.sure(find_or_make_conversation(world.database(), key, who, at(0)));
    hand(world, key, InCharge::human, 10, "taken");
    const auto again = world.sure(find_or_make_conversation(world.database(), key, who, at(20)));

    CHECK(made == Conversation{.key = key.text(), .person = who.text()});
    CHECK(again.in_charge == InCharge::human);
    CHECK(again.epoch == 1);
  });
}

TEST_CASE("a conversation of a person who is not there is not made") {
  in_every_world([](StoreWorld& world) {
    const auto stranger = person(world, "florist", {caller});
    const auto key = conversation("bakery", caller);

    const auto made = world.run(find_or_make_conversation(world.database(), key, stranger, at(0)));

    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().kind == Kind::not_found);
  });
}

TEST_CASE("turns are numbered one after the other and a repeated event keeps its number") {
  in_every_world([](StoreWorld& world) {
    const auto key = talk(world).key;

    CHECK(turn(world, key, "first", 100) == Turn{1, 1});
    CHECK(turn(world, key, "second", 300) == Turn{2, 2});
    CHECK(turn(world, key, "first", 100) == Turn{1, 2});
    CHECK(turn(world, key, "third", 200) == Turn{3, 3});

    CHECK(now(world, key).newest_turn == 3);
    CHECK(now(world, key).last_inbound_at == at(300));
  });
}

TEST_CASE("a turn or a hand-over of a conversation that is not there is not found") {
  in_every_world([](StoreWorld& world) {
    const auto key = conversation("bakery", caller);

    const auto given = world.run(give_turn(world.database(), key, event_id("first"), at(1)));
    const auto handed =
        world.run(hand_over(world.database(), {key, event_id("taken"), InCharge::human, "label", at(1)}, at(1)));

    CHECK(given.error().kind == Kind::not_found);
    CHECK(handed.error().kind == Kind::not_found);
  });
}

TEST_CASE("each change of who is in charge raises the epoch and saying what holds does not") {
  in_every_world([](StoreWorld& world) {
    const auto key = talk(world).key;

    CHECK(hand(world, key, InCharge::bot, 10, "a").epoch == 0);
    CHECK(hand(world, key, InCharge::human, 20, "b").epoch == 1);
    CHECK(hand(world, key, InCharge::human, 30, "c").epoch == 1);
    CHECK(hand(world, key, InCharge::bot, 40, "d").epoch == 2);

    CHECK(now(world, key).in_charge == InCharge::bot);
  });
}

TEST_CASE("a hand-over that is told again changes nothing") {
  in_every_world([](StoreWorld& world) {
    const auto key = talk(world).key;
    hand(world, key, InCharge::human, 20, "taken");
    hand(world, key, InCharge::human, 20, "taken");
    CHECK(now(world, key).epoch == 1);

    hand(world, key, InCharge::bot, 30, "returned");
    const auto told_again = hand(world, key, InCharge::human, 20, "taken");

    CHECK(told_again.in_charge == InCharge::bot);
    CHECK(told_again.epoch == 2);
  });
}

TEST_CASE("an older word about who is in charge changes nothing even when the newer one had changed nothing") {
  in_every_world([](StoreWorld& world) {
    const auto key = talk(world).key;
    hand(world, key, InCharge::human, 10, "taken");
    hand(world, key, InCharge::human, 30, "still");

    const auto late = hand(world, key, InCharge::bot, 20, "late");

    CHECK(late.in_charge == InCharge::human);
    CHECK(late.epoch == 1);
    CHECK(hand(world, key, InCharge::bot, 30, "same moment").in_charge == InCharge::bot);
  });
}

TEST_CASE("two tenants with the same addresses have a conversation each") {
  in_every_world([](StoreWorld& world) {
    const auto ours = talk(world, "bakery").key;
    const auto theirs = talk(world, "florist").key;
    turn(world, theirs, "event", 100);
    hand(world, theirs, InCharge::human, 10, "event");

    CHECK(now(world, ours).newest_turn == 0);
    CHECK(now(world, ours).epoch == 0);
    CHECK(turn(world, ours, "event", 100) == Turn{1, 1});
    CHECK(hand(world, ours, InCharge::human, 10, "event").epoch == 1);
    CHECK(now(world, theirs).epoch == 1);
  });
}

TEST_CASE("an alias is the conversation that it leads to in everything") {
  in_every_world([](StoreWorld& world) {
    const auto older = talk(world);
    const auto younger = conversation("bakery", user_id);

    const auto united = world.sure(unite_conversations(world.database(), older.key, younger, at(50)));
    turn(world, younger, "under the younger", 60);
    hand(world, younger, InCharge::human, 70, "taken");

    CHECK(united.key == older.key.text());
    CHECK(now(world, younger) == now(world, older.key));
    CHECK(now(world, older.key).newest_turn == 1);
    CHECK(now(world, older.key).epoch == 1);
    CHECK(now(world, younger).key == older.key.text());
    CHECK(world.sure(find_or_make_conversation(world.database(), younger, older.who, at(80))).key == older.key.text());
  });
}

TEST_CASE("uniting two conversations keeps the newest turn and the last message and a human in charge") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {caller, user_id});
    const auto older = conversation("bakery", caller);
    const auto younger = conversation("bakery", user_id);
    for (const auto& key : {older, younger}) world.sure(find_or_make_conversation(world.database(), key, who, at(0)));
    turn(world, older, "a", 500);
    turn(world, younger, "b", 100);
    turn(world, younger, "c", 200);
    hand(world, younger, InCharge::human, 10, "taken");
    hand(world, younger, InCharge::bot, 20, "returned");
    hand(world, younger, InCharge::human, 30, "taken again");

    const auto united = world.sure(unite_conversations(world.database(), older, younger, at(600)));
    const auto again = world.sure(unite_conversations(world.database(), older, younger, at(700)));

    CHECK(united == Conversation{.key = older.text(),
                                 .person = who.text(),
                                 .in_charge = InCharge::human,
                                 .epoch = 4,
                                 .newest_turn = 2,
                                 .last_inbound_at = at(500)});
    CHECK(again == united);
    CHECK(turn(world, older, "b", 100) == Turn{1, 2});
    CHECK(turn(world, younger, "d", 800) == Turn{3, 3});
    CHECK(hand(world, younger, InCharge::bot, 25, "older than the last word").in_charge == InCharge::human);
  });
}

TEST_CASE("an alias of an alias leads to the oldest and uniting backwards changes nothing") {
  in_every_world([](StoreWorld& world) {
    const auto first = talk(world);
    const auto second = conversation("bakery", user_id);
    const auto third = conversation("bakery", "whatsapp:+31699999999");
    world.sure(find_or_make_conversation(world.database(), second, first.who, at(0)));

    world.sure(unite_conversations(world.database(), second, third, at(10)));
    world.sure(unite_conversations(world.database(), first.key, second, at(20)));
    const auto backwards = world.sure(unite_conversations(world.database(), third, first.key, at(30)));

    CHECK(backwards.key == first.key.text());
    CHECK(now(world, third).key == first.key.text());
    CHECK(now(world, second).key == first.key.text());
  });
}

TEST_CASE("turns and hand-overs are forgotten in small steps from the oldest on") {
  in_every_world([](StoreWorld& world) {
    const auto key = talk(world).key;
    for (int number_of = 1; number_of <= 4; ++number_of) {
      turn(world, key, fmt::format("turn {}", number_of), number_of);
      hand(world, key, InCharge::human, number_of, fmt::format("hand {}", number_of));
    }

    CHECK(world.sure(forget_turns(world.database(), at(4), 2)) == 2);
    CHECK(world.sure(forget_turns(world.database(), at(4), 10)) == 1);
    CHECK(world.sure(forget_hand_overs(world.database(), at(4), 2)) == 2);
    CHECK(world.sure(forget_hand_overs(world.database(), at(4), 10)) == 1);

    CHECK(turn(world, key, "turn 4", 4) == Turn{4, 4});
    CHECK(now(world, key).epoch == 1);
  });
}

namespace {

Task<> take_turns(db::Database& database, event::ConversationKey key, std::vector<std::string> events,
                  std::multiset<std::int64_t>& numbers) {
  for (const auto& event : events) {
    auto giving = give_turn(database, key, event_id(event), at(1));
    const auto given = co_await std::move(giving);
    REQUIRE_MESSAGE(given.has_value(), given.error().sentence);
    numbers.insert(given->number);
  }
}

}  // namespace

TEST_CASE("processes that give turns at once give each event one number and no number twice") {
  in_every_world([](StoreWorld& world) {
    const auto key = talk(world).key;
    const auto other = world.another();
    std::multiset<std::int64_t> numbers;
    std::vector<Task<>> tasks;
    for (int task = 0; task < 8; ++task) {
      std::vector<std::string> events;  // each event is given a turn by both processes
      for (int number_of = 0; number_of < 10; ++number_of) events.push_back(fmt::format("{}/{}", task / 2, number_of));
      tasks.push_back(take_turns(task % 2 == 0 ? world.database() : *other, key, std::move(events), numbers));
    }

    world.run_all(std::move(tasks));

    CHECK(now(world, key).newest_turn == 40);
    for (std::int64_t number_of = 1; number_of <= 40; ++number_of) CHECK(numbers.count(number_of) == 2);
    world.run(other->close());
  });
}

}  // namespace sluice::store
