#include "tests/common/store/planned.hpp"

namespace sluice::store {

Planned planned(const Asked& asked) {
  const auto of = tenant(asked.tenant);
  const auto key = event::ConversationKey{of, event::OurAddress{*event::Address::parse("whatsapp:+31201234567")},
                                          event::TheirAddress{*event::Address::parse(asked.theirs)}};
  auto made = event::root_event({.source = event::Source::api,
                                 .account = "",
                                 .provider_id = event::message_id(asked.id),
                                 .kind = event::Known::send_requested,
                                 .key = *event::InboundKey::parse(key.text()),
                                 .time = at(0)});
  made.key = key;
  made.journey.origin = event::Origin{"sluice.send", 3, asked.offset, at(asked.offset)};
  made.foreign = {{"theirs", std::nullopt}, {"theirs", "twice"}};
  auto record = event::encode(made);
  REQUIRE(record.has_value());
  return {std::move(made), std::move(*record), at(asked.due)};
}

}  // namespace sluice::store
