#include "common/event/ids.hpp"

#include <initializer_list>

namespace sluice::event {
namespace {

// "5:abcde2:fg": no text can pretend to be two.
ProviderId joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text += fmt::format("{}:{}", part.size(), part);
  return ProviderId{std::move(text)};
}

}  // namespace

std::string_view name_of(Source source) {
  switch (source) {
    case Source::twilio:
      return "twilio";
    case Source::chatwoot:
      return "chatwoot";
    case Source::api:
      return "api";
  }
  return "api";
}

ProviderId message_id(std::string_view message_sid) {
  return ProviderId{std::string{message_sid}};
}
ProviderId status_id(std::string_view message_sid, std::string_view status, std::string_view error_code) {
  return joined({message_sid, status, error_code});
}
ProviderId chatwoot_message_id(std::string_view message_id) {
  return joined({"message", message_id});
}
ProviderId chatwoot_delivery_id(std::string_view delivery_id) {
  return joined({"delivery", delivery_id});
}
ProviderId api_call_id(std::string_view token_id, std::string_view idempotency_key) {
  return joined({token_id, idempotency_key});
}

EventId root_id(const Tenant& tenant, Source source, std::string_view account, const ProviderId& id) {
  return EventId{digest_of("sluice/root/1", {tenant.text(), name_of(source), account, id.text()})};
}

EventId child_id(const Tenant& tenant, const EventId& parent, std::string_view pool, const EventKind& kind,
                 std::uint32_t index) {
  const fmt::format_int decimal{index};
  return EventId{
      digest_of("sluice/child/1", {tenant.text(), parent.text(), pool, kind.name(), {decimal.data(), decimal.size()}})};
}

}  // namespace sluice::event
