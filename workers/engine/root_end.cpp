#include "workers/engine/root_end.hpp"

#include <fmt/format.h>

namespace sluice::engine {
namespace {

// Root events that ask for a message, and the draft that a message becomes on its way.
bool asks_for_a_message(const event::Event& event) {
  const auto known = event.kind.known();
  if (!known) return false;
  switch (*known) {
    case event::Known::message_received:
    case event::Known::agent_replied:
    case event::Known::send_requested:
    case event::Known::reply_drafted:
      return true;
    case event::Known::message_status:
    case event::Known::handoff_changed:
    case event::Known::message_sent:
    case event::Known::message_refused:
    case event::Known::consent_changed:
      return false;
  }
  return false;
}

store::Term term_of(std::string_view reason) {
  const auto word = reason.substr(0, reason.find_first_of(" ("));
  if (word == store::name_of(store::Term::human)) return store::Term::human;
  if (word == store::name_of(store::Term::expired)) return store::Term::expired;
  return store::Term::suppressed;
}

}  // namespace

std::optional<store::OutcomeWord> word_of(const Outcome& outcome, const event::Event& event, WallTime now) {
  if (!asks_for_a_message(event)) return std::nullopt;
  const auto word = [&](store::Term term, std::string reason) {
    return store::OutcomeWord{
        .tenant = event.tenant, .root = event.root, .term = term, .reason = std::move(reason), .at = now};
  };
  if (const auto* never = std::get_if<Never>(&outcome)) {
    const auto error_class = class_of(*never);
    return word(store::Term::dead_lettered,
                never->code.empty() ? std::string{error_class} : fmt::format("{}({})", error_class, never->code));
  }
  if (const auto* suppressed = std::get_if<Suppressed>(&outcome)) {
    return word(term_of(suppressed->reason), suppressed->reason);
  }
  if (std::holds_alternative<Merged>(outcome)) return word(store::Term::suppressed, "merged");
  if (const auto* done = std::get_if<Done>(&outcome); done != nullptr && done->term && done->outputs.empty()) {
    return word(*done->term, {});
  }
  return std::nullopt;
}

}  // namespace sluice::engine
