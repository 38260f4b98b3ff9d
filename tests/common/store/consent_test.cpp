#include "common/store/consent.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "common/store/windows.hpp"
#include "tests/common/store/people.hpp"

namespace sluice::store {
namespace {

using event::Channel;
const std::string number = "+31612345678";

ConsentWord word(const event::PersonId& who, Word said, Channel channel, std::int64_t when, std::string_view event,
                 std::string_view of_tenant = "bakery") {
  return {.tenant = tenant(of_tenant),
          .event = event_id(event),
          .person = who,
          .word = said,
          .channel = channel,
          .sender = shop_number,
          .source = "word",
          .text = said == Word::stop ? "STOP" : "START",
          .at = at(when)};
}

void say(StoreWorld& world, const ConsentWord& said) {
  world.sure(record_consent(world.database(), said, said.at + std::chrono::milliseconds{7}));
}

std::vector<Consent> consents(StoreWorld& world, const event::PersonId& who) {
  return world.sure(consents_of(world.database(), tenant("bakery"), who));
}

ConsentState on(StoreWorld& world, const event::PersonId& who, Channel channel) {
  return world.sure(consent_on(world.database(), tenant("bakery"), who, channel));
}

}  // namespace

TEST_CASE("nothing is known of a person who said nothing") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});

    CHECK(consents(world, who).empty());
    CHECK(on(world, who, Channel::sms) == ConsentState::unknown);
  });
}

TEST_CASE("STOP binds the person on every channel and START opens its own one again") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});

    say(world, word(who, Word::stop, Channel::whatsapp, 10, "stop"));
    for (const auto channel : {Channel::sms, Channel::whatsapp, Channel::messenger, Channel::rcs, Channel::other})
      CHECK(on(world, who, channel) == ConsentState::revoked);
    say(world, word(who, Word::start, Channel::sms, 20, "start"));

    CHECK(consents(world, who).front() == Consent{Channel::sms, ConsentState::granted, at(20), at(20)});
    CHECK(on(world, who, Channel::whatsapp) == ConsentState::revoked);
  });
}

TEST_CASE("START before any STOP is a grant of its channel") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});

    say(world, word(who, Word::start, Channel::whatsapp, 10, "start"));

    CHECK(consents(world, who) == std::vector{Consent{Channel::whatsapp, ConsentState::granted, at(10), at(10)}});
  });
}

TEST_CASE("a word older than the last one keeps its evidence and changes no state") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});
    say(world, word(who, Word::start, Channel::sms, 30, "start"));

    say(world, word(who, Word::stop, Channel::sms, 20, "late stop"));
    say(world, word(who, Word::stop, Channel::sms, 40, "stop"));
    say(world, word(who, Word::start, Channel::sms, 35, "late start"));

    CHECK(consents(world, who).front() == Consent{Channel::sms, ConsentState::revoked, at(40), at(40)});
    CHECK(world.sure(consent_evidence(world.database(), tenant("bakery"), who)).size() == 4);
  });
}

TEST_CASE("STOP wins against START of the same moment whichever comes first") {
  in_every_world([](StoreWorld& world) {
    const auto first = person(world, "bakery", {"+31600000001"});
    const auto second = person(world, "bakery", {"+31600000002"});

    say(world, word(first, Word::stop, Channel::sms, 10, "a"));
    say(world, word(first, Word::start, Channel::sms, 10, "b"));
    say(world, word(second, Word::start, Channel::sms, 10, "c"));
    say(world, word(second, Word::stop, Channel::sms, 10, "d"));

    CHECK(on(world, first, Channel::sms) == ConsentState::revoked);
    CHECK(on(world, second, Channel::sms) == ConsentState::revoked);
  });
}

TEST_CASE("saying it again moves the last word and not since when it holds") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});

    say(world, word(who, Word::stop, Channel::sms, 10, "first"));
    say(world, word(who, Word::stop, Channel::sms, 20, "second"));
    CHECK(consents(world, who).front() == Consent{Channel::sms, ConsentState::revoked, at(10), at(20)});

    say(world, word(who, Word::start, Channel::sms, 30, "third"));
    say(world, word(who, Word::start, Channel::sms, 40, "fourth"));
    CHECK(consents(world, who).front() == Consent{Channel::sms, ConsentState::granted, at(30), at(40)});
  });
}

TEST_CASE("a repeated event changes nothing even when it comes with other words") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});
    const auto stop = word(who, Word::stop, Channel::sms, 10, "event");
    say(world, stop);
    say(world, word(who, Word::start, Channel::sms, 20, "other event"));
    const auto before = consents(world, who);
    const auto evidence = world.sure(consent_evidence(world.database(), tenant("bakery"), who));

    say(world, stop);
    say(world, word(who, Word::stop, Channel::sms, 99, "event"));
    say(world, word(who, Word::start, Channel::whatsapp, 99, "event"));

    CHECK(consents(world, who) == before);
    CHECK(world.sure(consent_evidence(world.database(), tenant("bakery"), who)) == evidence);
  });
}

TEST_CASE("the order in which words arrive does not matter for what holds in the end") {
  in_every_world([](StoreWorld& world) {
    for (int round = 0; round < 12; ++round) {
      const auto who = person(world, "bakery", {fmt::format("+316000000{:02}", round)});
      std::vector<ConsentWord> words;
      for (int place = 0; place < 6; ++place) {
        const auto said = world.random.one_in(2) ? Word::stop : Word::start;
        const auto channel = world.random.one_in(2) ? Channel::sms : Channel::whatsapp;
        words.push_back(word(who, said, channel, 100 + place, fmt::format("{}/{}", round, place)));
      }
      std::optional<ConsentState> sms;
      for (const auto& one : words) {
        if (one.word == Word::stop) sms = ConsentState::revoked;
        if (one.word == Word::start && one.channel == Channel::sms) sms = ConsentState::granted;
      }
      for (std::size_t place = words.size() - 1; place > 0; --place)
        std::swap(words[place], words[world.random.below(place + 1)]);

      for (const auto& one : words) say(world, one);

      CHECK(on(world, who, Channel::sms) == sms.value_or(ConsentState::unknown));
    }
  });
}

TEST_CASE("evidence tells who said what to whom and is read page by page") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});
    say(world, word(who, Word::start, Channel::whatsapp, 20, "start"));
    say(world, word(who, Word::stop, Channel::sms, 10, "stop"));
    say(world, word(who, Word::stop, Channel::sms, 30, "last"));

    const auto first = world.sure(consent_evidence(world.database(), tenant("bakery"), who, {}, 2));
    REQUIRE(first.size() == 2);
    const auto second = world.sure(consent_evidence(world.database(), tenant("bakery"), who, first.back(), 2));

    CHECK(first[0] == ConsentEvidence{.event = event_id("stop").text(),
                                      .word = Word::stop,
                                      .channel = Channel::sms,
                                      .sender = shop_number,
                                      .source = "word",
                                      .text = "STOP",
                                      .at = at(10),
                                      .recorded_at = at(17)});
    CHECK(first[1].event == event_id("start").text());
    CHECK(first[1].word == Word::start);
    REQUIRE(second.size() == 1);
    CHECK(second[0].event == event_id("last").text());
  });
}

TEST_CASE("two tenants with the same person and the same event do not share consent") {
  in_every_world([](StoreWorld& world) {
    const auto ours = person(world, "bakery", {number});
    const auto theirs = person(world, "florist", {number});
    say(world, word(theirs, Word::stop, Channel::sms, 10, "event", "florist"));

    const auto foreign = world.run(
        record_consent(world.database(), word(theirs, Word::stop, Channel::sms, 10, "event", "bakery"), at(11)));
    say(world, word(ours, Word::start, Channel::sms, 10, "event"));

    REQUIRE_FALSE(foreign.has_value());
    CHECK(foreign.error().kind == Kind::not_found);
    CHECK(on(world, ours, Channel::sms) == ConsentState::granted);
    CHECK(world.sure(consents_of(world.database(), tenant("florist"), theirs)).size() == 5);
    CHECK(world.sure(consents_of(world.database(), tenant("bakery"), theirs)).empty());
    CHECK(world.sure(consent_evidence(world.database(), tenant("bakery"), theirs)).empty());
  });
}

TEST_CASE("a window counts from the last message to that sender and never goes back") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});
    const auto window = [&](const std::string& ours) {
      return world.sure(find_window(world.database(), tenant("bakery"), who, address(ours)));
    };
    CHECK(window(shop_number) == Window{});

    world.sure(inbound_at(tenant("bakery"), who, address(shop_number), at(20)));
    world.sure(inbound_at(tenant("bakery"), who, address(shop_number), at(10)));
    world.sure(inbound_at(tenant("bakery"), who, address("whatsapp:+31209999999"), at(30)));

    CHECK(window(shop_number) == Window{at(20), std::nullopt});
    CHECK(window("whatsapp:+31209999999").last_inbound_at == at(30));
  });
}

TEST_CASE("a closed window opens with the next message and not with an older one") {
  in_every_world([](StoreWorld& world) {
    const auto who = person(world, "bakery", {number});
    const auto window = [&] {
      return world.sure(find_window(world.database(), tenant("bakery"), who, address(shop_number)));
    };
    world.sure(window_closed_at(tenant("bakery"), who, address(shop_number), at(20)));
    world.sure(window_closed_at(tenant("bakery"), who, address(shop_number), at(15)));
    CHECK(window().closed());

    world.sure(inbound_at(tenant("bakery"), who, address(shop_number), at(20)));
    CHECK(window().closed());
    world.sure(inbound_at(tenant("bakery"), who, address(shop_number), at(21)));

    CHECK(window() == Window{at(21), at(20)});
    CHECK_FALSE(window().closed());
  });
}

TEST_CASE("windows of another tenant's person are not seen") {
  in_every_world([](StoreWorld& world) {
    const auto theirs = person(world, "florist", {number});
    world.sure(inbound_at(tenant("florist"), theirs, address(shop_number), at(20)));
    world.sure(inbound_at(tenant("bakery"), theirs, address(shop_number), at(30)));

    const auto seen = world.sure(find_window(world.database(), tenant("bakery"), theirs, address(shop_number)));
    const auto own = world.sure(find_window(world.database(), tenant("florist"), theirs, address(shop_number)));

    CHECK(seen == Window{});
    CHECK(own == Window{at(20), std::nullopt});
  });
}

}  // namespace sluice::store
