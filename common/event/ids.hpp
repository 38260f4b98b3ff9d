// The ids of events. They are computed, never drawn: processing the same thing again makes the same ids.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/event/hex_id.hpp"
#include "common/event/kind.hpp"
#include "common/event/tenant.hpp"

namespace sluice::event {

using EventId = HexId<struct EventTag>;

enum class Source : std::uint8_t { twilio, chatwoot, api };
std::string_view name_of(Source source);

// What the source itself calls the thing that happened. Made of several texts, each carries its length.
class ProviderId {
 public:
  explicit ProviderId(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const ProviderId&) const = default;

 private:
  std::string text_;
};

ProviderId message_id(std::string_view message_sid);  // the SID itself
ProviderId status_id(std::string_view message_sid, std::string_view status, std::string_view error_code);
ProviderId chatwoot_message_id(std::string_view message_id);    // of a `message_created` webhook
ProviderId chatwoot_delivery_id(std::string_view delivery_id);  // of every other Chatwoot webhook
ProviderId api_call_id(std::string_view token_id, std::string_view idempotency_key);

// `account` is the source's own: Twilio's AccountSid, Chatwoot's account id, empty for the API.
EventId root_id(const Tenant& tenant, Source source, std::string_view account, const ProviderId& id);

// `index` counts the outputs of one kind that a pool makes of one event.
EventId child_id(const Tenant& tenant, const EventId& parent, std::string_view pool, const EventKind& kind,
                 std::uint32_t index);

}  // namespace sluice::event
