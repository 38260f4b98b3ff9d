// What became of each root event that asks for a message: exactly one term of the identity. Read by the API, by trace
// and by the audit.
//
// A word about an event counts when it says more than what was said before:
//
//   in_flight  <  unknown  <  human, suppressed, expired, dead_lettered  <  sent  <  undeliverable
//
// so a redelivery, or somebody who comes late, changes nothing. Only an operator's replay takes a dead letter back to
// in flight. An event that is done in parts (a message with files) counts by its worst part; such an event is told of
// by its parts alone, all of which are told as in flight before the first of them ends.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/ids.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

enum class Term : std::uint8_t { in_flight, sent, human, suppressed, expired, unknown, dead_lettered };
std::string_view name_of(Term term);

struct OutcomeWord {
  event::Tenant tenant;
  event::EventId root;
  Term term;
  std::string reason = {};  // a word, with a detail in brackets: "superseded", "undeliverable(30003)"
  WallTime at{};
  std::string part = {};  // of an event that is done in parts: any name that is the same each time
};

// For a batch of any kind; in it, the words about one event keep their order.
std::vector<db::Statement> outcome_rows(const OutcomeWord& word);
Task<Done> record_outcome(db::Database& database, OutcomeWord word);

// The other side took it and could not deliver it: suppressed, whatever was said before or is said later.
std::vector<db::Statement> undeliverable_rows(const OutcomeWord& word);

// An operator's replay: a dead letter is in flight again; anything else stays as it is.
std::vector<db::Statement> reopened_rows(const event::Tenant& tenant, const event::EventId& root, WallTime at,
                                         const std::string& part = {});

struct RootOutcome {
  std::string root;
  Term term = Term::in_flight;
  std::string reason;
  WallTime at{};

  bool operator==(const RootOutcome&) const = default;
};
Task<Result<std::optional<RootOutcome>>> find_outcome(db::Database& database, event::Tenant tenant,
                                                      event::EventId root);

// How many events of the tenant stand in each term.
Task<Result<std::map<Term, std::int64_t>>> count_outcomes(db::Database& database, event::Tenant tenant);

// In the order of their ids, at most `rows_max`: those behind `after`, or from the beginning.
constexpr std::int64_t outcomes_page_rows_max = 1000;
Task<Result<std::vector<RootOutcome>>> list_outcomes(db::Database& database, event::Tenant tenant,
                                                     std::string after = {},
                                                     std::int64_t rows_max = outcomes_page_rows_max);

// Removes up to `limit` outcomes that were reached before that moment, with their parts, and answers how many. What is
// in flight stays.
Task<Result<std::int64_t>> forget_outcomes(db::Database& database, WallTime before, std::int64_t limit);

}  // namespace sluice::store
