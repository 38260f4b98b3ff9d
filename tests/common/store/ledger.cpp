#include "tests/common/store/ledger.hpp"

namespace sluice::store {

Customer customer(StoreWorld& world, std::string_view of_tenant, const std::string& theirs) {
  auto who = person(world, of_tenant, {theirs});
  auto key = conversation(of_tenant, theirs);
  world.sure(find_or_make_conversation(world.database(), key, who, at(0)));
  return {tenant(of_tenant), who, std::move(key)};
}

EffectPlan plan(const Customer& of, std::string_view event, std::string pool) {
  const auto id = event_id(event);
  return {.tenant = of.tenant,
          .id = effect_id(of.tenant, id, pool),
          .pool = std::move(pool),
          .event = id,
          .kind = "reply",
          .conversation = of.key.text(),
          .person = of.person.text(),
          .request = R"({"body":"Good morning"})"};
}

Attempting attempt(const EffectPlan& of, std::string owner, std::int64_t number, std::int64_t generation) {
  return {.tenant = of.tenant,
          .effect = of.id,
          .generation = generation,
          .attempt = number,
          .owner = std::move(owner),
          .epoch = 7,
          .deadline = at(10'000),
          .began = Instant{std::chrono::seconds{3}}};
}

Gate gate(const Customer& of) {
  return {.person = of.person, .channel = event::Channel::whatsapp};
}

Verdict begin(StoreWorld& world, const Attempting& what, std::optional<Gate> through) {
  return world.sure(begin_attempt(world.database(), what, std::move(through), at(1000))).verdict;
}

Effect effect(StoreWorld& world, const EffectPlan& of) {
  auto found = world.sure(find_effect(world.database(), of.tenant, of.id));
  REQUIRE(found.has_value());
  return std::move(*found);
}

}  // namespace sluice::store
