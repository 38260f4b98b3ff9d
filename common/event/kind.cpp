#include "common/event/kind.hpp"

#include <array>

namespace sluice::event {
namespace {

constexpr std::array<std::string_view, 9> names{
    "message.received", "message.status", "agent.replied",   "handoff.changed", "send.requested",
    "reply.drafted",    "message.sent",   "message.refused", "consent.changed",
};
static_assert(names.size() == static_cast<std::size_t>(Known::consent_changed) + 1);

}  // namespace

std::string_view name_of(Known kind) {
  return names[static_cast<std::size_t>(kind)];
}

Result<EventKind> EventKind::parse(std::string_view name) {
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (names[index] == name) return EventKind{static_cast<Known>(index)};
  }
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  if (name.empty() || name.size() > bytes_max || name.find_first_not_of(allowed) != std::string_view::npos) {
    return fail(Kind::invalid, "a kind of event is named by 1 to 64 of a-z, 0-9, dot, underscore and -");
  }
  return EventKind{std::string{name}};
}

}  // namespace sluice::event
