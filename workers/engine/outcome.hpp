// What a handler answers. The engine acts on it: a handler decides, it does not commit, sleep, retry or publish.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/async/clock.hpp"
#include "common/base/result.hpp"
#include "common/db/statement.hpp"
#include "common/event/event.hpp"
#include "common/store/outcomes.hpp"

namespace sluice::engine {

// An event for another pool. Its id is deterministic (event::child_event), so that doing it again makes the same one.
struct Output {
  std::string_view to;  // a pool's name, a literal: "classify"; "dedup" means `inbound`
  event::Event event;
};

// It is done. Outputs are durable before `changes` run, and both before the event counts as complete; with an atomic
// log all of it is one transaction.
struct Done {
  std::vector<Output> outputs = {};
  db::Batch changes = {};
  std::size_t covers_behind = 0;         // so many of Attempt::behind() are done with it, from the first on
  std::optional<store::Term> term = {};  // without outputs, when the root event has ended with it: root_end.hpp
};

// It may work later. The event holds its lane: a few tries at once, then the conversation is parked.
struct Later {
  Failure why;
  std::optional<std::chrono::milliseconds> wait = {};  // what the other side asked for
};

// Its time has not come. It leaves the lane for the schedule and comes back under its own id.
struct At {
  WallTime when{};
};

// A dependency cannot be used now. No attempt is counted: the other side is sick, not this event.
struct Waiting {
  std::string_view dependency;  // a name that the pool declared
};

// A later event of this lane covers this one.
struct Merged {};

// Decided against, for a reason that an operator can read. Final.
struct Suppressed {
  std::string reason;  // "stopped", "human", "superseded": a word, with a detail in brackets
  std::vector<Output> outputs = {};
  db::Batch changes = {};
};

// It can never work. It becomes a dead letter, which is durable before anything moves on.
struct Never {
  Failure why;
  std::string code = {};  // of the other side, e.g. "21211"
  std::vector<Output> outputs = {};
  std::string_view error_class = {};  // a literal; empty: the name of why's kind
};
inline std::string_view class_of(const Never& never) {
  return never.error_class.empty() ? name_of(never.why.kind) : never.error_class;
}

using Outcome = std::variant<Done, Later, At, Waiting, Merged, Suppressed, Never>;

}  // namespace sluice::engine
