#include "common/event/ids.hpp"

#include <type_traits>
#include <unordered_set>

#include <doctest/doctest.h>

#include "common/event/person.hpp"
#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

constexpr std::string_view sid = "SM0123456789abcdef0123456789abcdef";
constexpr std::string_view account = "ACfedcba9876543210fedcba9876543210";

EventId root_of(const ProviderId& id) {
  return root_id(Tenant::standard(), Source::twilio, account, id);
}

}  // namespace

// What is not the same thing cannot stand in its place.
static_assert(!std::is_convertible_v<PersonId, EventId> && !std::is_convertible_v<EventId, PersonId>);
static_assert(!std::is_constructible_v<EventId, PersonId> && !std::is_constructible_v<EventId, std::string>);
static_assert(!std::is_convertible_v<std::string, ProviderId> && !std::is_convertible_v<std::string, Tenant>);
static_assert(std::is_invocable_v<decltype(root_id), Tenant, Source, std::string_view, ProviderId>);
static_assert(!std::is_invocable_v<decltype(root_id), Tenant, Source, ProviderId, std::string_view>);
static_assert(!std::is_invocable_v<decltype(root_id), std::string, Source, std::string_view, ProviderId>);
static_assert(!std::is_invocable_v<decltype(child_id), Tenant, PersonId, std::string_view, EventKind, std::uint32_t>);
static_assert(!std::is_invocable_v<decltype(child_id), Tenant, EventId, EventKind, std::string_view, std::uint32_t>);

TEST_CASE("root ids are those that another implementation of SHA-256 computes") {
  CHECK(root_of(message_id(sid)).text() == "12613da4987ca6fae09e945ba5d85624");
  CHECK(root_of(status_id(sid, "undelivered", "30008")).text() == "7ac1822d4d42586b28e8ce67853bf094");
  CHECK(root_id(Tenant::standard(), Source::chatwoot, "7", chatwoot_message_id("4711")).text() ==
        "d9c96414c1311d8941b080e73e37cbdd");
  CHECK(root_id(Tenant::standard(), Source::api, "", api_call_id("tok_1", "order-99")).text() ==
        "5c60d5eb3b863b57034cdf07702f8ca6");
}

TEST_CASE("child ids are those that another implementation of SHA-256 computes") {
  const auto root = root_of(message_id(sid));

  CHECK(child_id(Tenant::standard(), root, "classify", Known::reply_drafted, 0).text() ==
        "b6e5d583c1b9049ada9b17099b6f780c");
  CHECK(child_id(Tenant::standard(), root, "classify", Known::reply_drafted, 12).text() ==
        "7f046f41d3943604f3bb2b8006138c1e");
  CHECK(minted_person(Tenant::standard(), *Address::parse("whatsapp:+31612345678")).text() ==
        "e9584aae46b9c7e92ab96f3b8b5f504c");
}

TEST_CASE("the provider's id of a message is its SID and of all else carries the lengths of its parts") {
  CHECK(message_id("SM1").text() == "SM1");
  CHECK(status_id("SM1", "delivered", "").text() == "3:SM19:delivered0:");
  CHECK(chatwoot_message_id("12").text() == "7:message2:12");
  CHECK(chatwoot_delivery_id("12").text() == "8:delivery2:12");
  CHECK(api_call_id("tok", "key").text() == "3:tok3:key");
}

TEST_CASE("no text passes for two") {
  CHECK(digest_of("p", {"ab", "c"}) != digest_of("p", {"a", "bc"}));
  CHECK(digest_of("p", {"ab"}) != digest_of("p", {"a", "b"}));
  CHECK(digest_of("p", {"a", ""}) != digest_of("p", {"a"}));
  CHECK(digest_of("pa", {"b"}) != digest_of("p", {"ab"}));
  CHECK(api_call_id("ab", "c") != api_call_id("a", "bc"));
  CHECK(api_call_id("1:a", "b") != api_call_id("1", ":ab"));
}

TEST_CASE("every part of the origin makes another id") {
  const auto parent = root_of(message_id(sid));
  const auto other_tenant = *Tenant::parse("other");
  std::unordered_set<EventId> ids;

  ids.insert(parent);
  ids.insert(root_id(other_tenant, Source::twilio, account, message_id(sid)));
  ids.insert(root_id(Tenant::standard(), Source::chatwoot, account, message_id(sid)));
  ids.insert(root_id(Tenant::standard(), Source::twilio, "AC2", message_id(sid)));
  ids.insert(root_of(message_id("SM2")));
  ids.insert(root_of(status_id(sid, "sent", "")));
  ids.insert(root_of(status_id(sid, "delivered", "")));
  ids.insert(root_of(status_id(sid, "undelivered", "30008")));
  ids.insert(root_of(status_id(sid, "undelivered", "30003")));
  ids.insert(root_id(Tenant::standard(), Source::chatwoot, "7", chatwoot_message_id("5")));
  ids.insert(root_id(Tenant::standard(), Source::chatwoot, "7", chatwoot_delivery_id("5")));
  ids.insert(child_id(Tenant::standard(), parent, "send", Known::message_sent, 0));
  ids.insert(child_id(other_tenant, parent, "send", Known::message_sent, 0));
  ids.insert(child_id(Tenant::standard(), root_of(message_id("SM2")), "send", Known::message_sent, 0));
  ids.insert(child_id(Tenant::standard(), parent, "crm", Known::message_sent, 0));
  ids.insert(child_id(Tenant::standard(), parent, "send", Known::message_refused, 0));
  ids.insert(child_id(Tenant::standard(), parent, "send", Known::message_sent, 1));

  CHECK(ids.size() == 17);
}

TEST_CASE("one person is one person on every channel and another in another tenant") {
  const auto person = [](const Tenant& whose, std::string_view address) {
    return minted_person(whose, *Address::parse(address));
  };

  CHECK(person(Tenant::standard(), "+31612345678") == person(Tenant::standard(), "whatsapp:+31612345678"));
  CHECK(person(Tenant::standard(), "+31612345678") != person(Tenant::standard(), "+31612345679"));
  CHECK(person(Tenant::standard(), "+31612345678") != person(*Tenant::parse("other"), "+31612345678"));
}

TEST_CASE("an id is read from exactly 32 lower-case digits") {
  const auto id = root_of(message_id(sid));

  CHECK(EventId::parse(id.text()) == id);
  CHECK(fmt::format("{}", id) == id.text());
  CHECK(refused_as(EventId::parse(""), Kind::invalid));
  CHECK(refused_as(EventId::parse("12613da4987ca6fae09e945ba5d8562"), Kind::invalid));
  CHECK(refused_as(EventId::parse("12613da4987ca6fae09e945ba5d856244"), Kind::invalid));
  CHECK(refused_as(EventId::parse("12613DA4987ca6fae09e945ba5d85624"), Kind::invalid));
  CHECK(refused_as(EventId::parse("12613da4987ca6fae09e945ba5d8562g"), Kind::invalid));
  CHECK(refused_as(EventId::parse("12613da4987ca6fae09e945ba5d8562 "), Kind::invalid));
}

TEST_CASE("a kind of event is one of the nine or keeps its name") {
  CHECK(EventKind::parse("message.received")->known() == Known::message_received);
  CHECK(EventKind::parse("consent.changed") == EventKind{Known::consent_changed});
  CHECK(EventKind{Known::handoff_changed}.name() == "handoff.changed");

  const auto later = EventKind::parse("reaction.added");

  REQUIRE(later);
  CHECK_FALSE(later->known());
  CHECK(later->name() == "reaction.added");
  CHECK(fmt::format("{}", *later) == "reaction.added");
  CHECK(refused_as(EventKind::parse(""), Kind::invalid));
  CHECK(refused_as(EventKind::parse("Message.Received"), Kind::invalid));
  CHECK(refused_as(EventKind::parse(std::string(65, 'a')), Kind::invalid));
  CHECK(EventKind::parse(std::string(64, 'a')));
}

TEST_CASE("a tenant has a plain name") {
  CHECK(Tenant::parse("garage-9")->text() == "garage-9");
  CHECK(Tenant::standard().text() == "default");
  CHECK(fmt::format("{}", Tenant::standard()) == "default");
  CHECK(std::unordered_set<Tenant>{Tenant::standard(), *Tenant::parse("default"), *Tenant::parse("b")}.size() == 2);
  CHECK(Tenant::parse(std::string(64, 'a')));
  CHECK(refused_as(Tenant::parse(std::string(65, 'a')), Kind::invalid));
  CHECK(refused_as(Tenant::parse(""), Kind::invalid));
  CHECK(refused_as(Tenant::parse("a|b"), Kind::invalid));
  CHECK(refused_as(Tenant::parse("Garage"), Kind::invalid));
}

}  // namespace sluice::event
