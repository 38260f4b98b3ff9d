#include "common/event/conversation.hpp"

#include <type_traits>

#include <doctest/doctest.h>

#include "common/event/partition.hpp"
#include "common/event/person.hpp"
#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

const Tenant tenant = Tenant::standard();
const OurAddress ours{*Address::parse("whatsapp:+31201234567")};
const TheirAddress theirs{*Address::parse("whatsapp:+31612345678")};

}  // namespace

// A key of the one kind never passes for the other, and ours never for theirs.
static_assert(!std::is_convertible_v<InboundKey, ConversationKey> &&
              !std::is_convertible_v<ConversationKey, InboundKey>);
static_assert(!std::is_constructible_v<ConversationKey, InboundKey> &&
              !std::is_constructible_v<InboundKey, ConversationKey>);
static_assert(!std::is_assignable_v<ConversationKey&, InboundKey> &&
              !std::is_constructible_v<ConversationKey, PersonId>);
static_assert(std::is_constructible_v<InboundKey, Tenant, OurAddress, TheirAddress>);
static_assert(!std::is_constructible_v<InboundKey, Tenant, TheirAddress, OurAddress>);
static_assert(!std::is_constructible_v<InboundKey, Tenant, Address, Address>);
static_assert(!std::is_convertible_v<OurAddress, TheirAddress> && !std::is_convertible_v<Address, OurAddress>);

TEST_CASE("a key is tenant and both addresses and gives them back") {
  const InboundKey key{tenant, ours, theirs};

  CHECK(key.text() == "default|whatsapp:+31201234567|whatsapp:+31612345678");
  CHECK(key.tenant() == tenant);
  CHECK(key.ours().address == ours.address);
  CHECK(key.theirs().address == theirs.address);
  CHECK(key.is_of(tenant));
  CHECK_FALSE(key.is_of(*Tenant::parse("defaul")));
  CHECK_FALSE(key.is_of(*Tenant::parse("default2")));
}

TEST_CASE("a key is read back from its text") {
  const InboundKey key{tenant, ours, theirs};

  const auto read = InboundKey::parse(key.text());

  REQUIRE(read);
  CHECK(*read == key);
  CHECK(read->theirs().address == theirs.address);
  CHECK(std::hash<InboundKey>{}(*read) == std::hash<InboundKey>{}(key));
}

TEST_CASE("the source id is both addresses and finds the key again") {
  const InboundKey key{tenant, ours, theirs};

  CHECK(key.source_id() == "whatsapp:+31201234567|whatsapp:+31612345678");
  CHECK(InboundKey::from_source_id(tenant, key.source_id()) == key);
  CHECK(refused_as(InboundKey::from_source_id(tenant, "+31612345678"), Kind::invalid));  // somebody else's
  CHECK(refused_as(InboundKey::from_source_id(tenant, "3f2b4c1d-0000-4000-8000-000000000000"), Kind::invalid));
  CHECK(refused_as(InboundKey::from_source_id(tenant, "other|+1|+22"), Kind::invalid));
  CHECK(refused_as(InboundKey::from_source_id(tenant, ""), Kind::invalid));
}

TEST_CASE("a conversation keeps the addresses and so the partition of its first message") {
  const InboundKey first{tenant, ours, theirs};

  const auto conversation = minted_conversation(first);

  CHECK(conversation.text() == first.text());
  CHECK(partition_of(conversation.text(), 32) == partition_of(first.text(), 32));
}

TEST_CASE("a key without three good parts is refused and tells no address") {
  for (const auto* text :
       {"", "default", "default|+31612345678", "default|+31612345678|", "default||+31612345678", "|+1234|+31612345678",
        "De|+1234|+31612345678", "default|+1234|+31612345678|x", "default|+1234|+31612345678\n"}) {
    const auto read = ConversationKey::parse(text);
    CHECK(refused_as(read, Kind::invalid));
    CHECK(refusal(read).find("31612345678") == std::string::npos);
  }
}

TEST_CASE("people see a key masked") {
  const InboundKey key{tenant, ours, theirs};

  CHECK(key.masked() == "default|whatsapp:+31***67|whatsapp:+31***78");
  CHECK(fmt::format("{}", key) == key.masked());
}

}  // namespace sluice::event
