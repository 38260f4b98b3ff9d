// The term in which a root event ends when a pool has ended one of its events: design's identity, one word per root.
//
//   Never       dead_lettered, with class and code
//   Suppressed  human or expired when that is its word, else suppressed, with its reason
//   Merged      suppressed: merged. Whoever sends the common answer says `sent` of all whom it answers, which wins
//   Done        what the handler named in Done::term; without one it says nothing (it goes on elsewhere, was a
//               duplicate, or stands in its changes)
#pragma once

#include <optional>

#include "common/store/outcomes.hpp"
#include "workers/engine/outcome.hpp"

namespace sluice::engine {

// None when this event asks for no message (a status, a hand-over), or has not ended here.
std::optional<store::OutcomeWord> word_of(const Outcome& outcome, const event::Event& event, WallTime now);

}  // namespace sluice::engine
