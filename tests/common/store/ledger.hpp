// What the stories about effects begin with: a customer with a conversation, and an effect that is planned for them.
#pragma once

#include <string>
#include <string_view>

#include "common/store/conversations.hpp"
#include "common/store/effects.hpp"
#include "tests/common/store/people.hpp"

namespace sluice::store {

struct Customer {
  event::Tenant tenant;
  event::PersonId person;
  event::ConversationKey key;
};

Customer customer(StoreWorld& world, std::string_view of_tenant = "bakery",
                  const std::string& theirs = "whatsapp:+31612345678");

EffectPlan plan(const Customer& of, std::string_view event = "reply", std::string pool = "send");

// The first attempt of a plan, by a process of that name; its deadline is at(10'000).
Attempting attempt(const EffectPlan& of, std::string owner = "a", std::int64_t number = 0, std::int64_t generation = 0);

Gate gate(const Customer& of);  // consent on WhatsApp

Verdict begin(StoreWorld& world, const Attempting& what, std::optional<Gate> through = {});

Effect effect(StoreWorld& world, const EffectPlan& of);

}  // namespace sluice::store
