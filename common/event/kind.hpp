// What an event says. A kind that this program doesn't know keeps its name and travels on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/base/result.hpp"

namespace sluice::event {

enum class Known : std::uint8_t {
  message_received,
  message_status,
  agent_replied,
  handoff_changed,
  send_requested,
  reply_drafted,
  message_sent,
  message_refused,
  consent_changed,
};
std::string_view name_of(Known kind);  // "message.received"

class EventKind {
 public:
  static constexpr std::size_t bytes_max = 64;

  EventKind(Known known) : known_(known) {}
  static Result<EventKind> parse(std::string_view name);  // [a-z0-9._-]{1,64}, else Kind::invalid

  [[nodiscard]] std::optional<Known> known() const { return known_; }
  [[nodiscard]] std::string_view name() const { return known_ ? name_of(*known_) : name_; }

  bool operator==(const EventKind&) const = default;

 private:
  explicit EventKind(std::string name) : name_(std::move(name)) {}

  std::optional<Known> known_;
  std::string name_;  // only of an unknown kind
};

}  // namespace sluice::event

template <>
struct fmt::formatter<sluice::event::EventKind> : fmt::formatter<std::string_view> {
  auto format(const sluice::event::EventKind& kind, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(kind.name(), context);
  }
};
