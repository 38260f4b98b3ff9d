#include "tests/storm/storm_event.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/event/pools.hpp"

namespace sluice::storm {
namespace {

constexpr std::array<std::string_view, 3> tenants{"default", "harbour", "orchard"};

std::int64_t number_in(const event::Event& event, std::string_view name) {
  const auto* member = event.data.find(name);
  ENSURE(member != nullptr && member->integer(), "an event of the storm says what is to be done");
  return *member->integer();
}

}  // namespace

event::Event event_of(const Planned& planned) {
  const auto tenant =
      event::Tenant::parse(tenants[static_cast<std::size_t>(planned.conversation) % tenants.size()]).value();
  const event::OurAddress ours{event::Address::parse("whatsapp:+31201234567").value()};
  const event::TheirAddress theirs{
      event::Address::parse(fmt::format("whatsapp:+3161{:07}", planned.conversation)).value()};
  return event::root_event({.source = event::Source::twilio,
                            .account = "AC1",
                            .provider_id = event::message_id(fmt::format("SM{}", planned.number)),
                            .kind = event::Known::message_received,
                            .key = event::InboundKey{tenant, ours, theirs},
                            .time = event::Time{std::chrono::milliseconds{1'790'000'000'000}},
                            .data = event::Json::Object{{"number", planned.number},
                                                        {"conversation", planned.conversation},
                                                        {"behaviour", static_cast<int>(planned.behaviour)},
                                                        {"failures", planned.failures},
                                                        {"pause", planned.pause.count()},
                                                        {"parked", planned.parked.count()}}});
}

Planned planned_of(const event::Event& event) {
  return {.number = static_cast<int>(number_in(event, "number")),
          .conversation = static_cast<int>(number_in(event, "conversation")),
          .behaviour = static_cast<Behaviour>(number_in(event, "behaviour")),
          .failures = static_cast<std::uint32_t>(number_in(event, "failures")),
          .pause = std::chrono::milliseconds{number_in(event, "pause")},
          .parked = std::chrono::milliseconds{number_in(event, "parked")}};
}

event::Event output_of(const event::Event& event) {
  return event::child_event(event, {.pool = pool,
                                    .kind = event::Known::reply_drafted,
                                    .key = event::minted_conversation(std::get<event::InboundKey>(event.key)),
                                    .time = event.time,
                                    .data = event::Json::Object{{"text", "hello"}}});
}

}  // namespace sluice::storm
