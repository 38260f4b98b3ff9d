// The people of the stories about persons, conversations and effects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/event/address.hpp"
#include "common/event/conversation.hpp"
#include "common/event/ids.hpp"
#include "common/event/person.hpp"
#include "tests/common/store/worlds.hpp"

namespace sluice::store {

inline event::Address address(std::string_view text) {
  return *event::Address::parse(text);
}

inline const std::string shop_number = "whatsapp:+31201234567";

// The conversation of our number with this address.
inline event::ConversationKey conversation(std::string_view of_tenant, std::string_view theirs,
                                           std::string_view ours = shop_number) {
  return {tenant(of_tenant), event::OurAddress{address(ours)}, event::TheirAddress{address(theirs)}};
}

// An event's id by any name.
inline event::EventId event_id(std::string_view name) {
  return event::EventId{event::digest_of("test", {name})};
}

event::PersonId person(StoreWorld& world, std::string_view of_tenant, const std::vector<std::string>& theirs,
                       WallTime now = at(0));

}  // namespace sluice::store
