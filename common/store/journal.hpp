// What happened to every event: each hop, attempt, wait and decision, for `trace`. Written in batches beside the state,
// read by the id of a root event, of any event that came of it, or of any other name that was given to it. Losing an
// entry loses no message, so it is written after what it tells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

struct JournalEntry {
  std::string tenant;
  std::string root;   // the id of the event that began the chain
  std::string event;  // the id of the one that this is about; written, empty means the root itself
  WallTime at{};
  std::string pool;
  std::string what;          // "received", "attempt", "later", "parked", "sent": a word
  std::int64_t attempt = 0;  // which one, when it is about one
  std::string detail = {};   // for a person, without texts and numbers of customers

  bool operator==(const JournalEntry&) const = default;
};

// In as few statements as possible; entries of one moment keep their order.
std::vector<db::Statement> journal_rows(std::vector<JournalEntry> entries);
Task<Done> write_journal(db::Database& database, std::vector<JournalEntry> entries);

// From now on `name` (a MessageSid, the id of a dead letter) leads to that root. The first root of a name stays.
db::Statement name_in_journal(const event::Tenant& tenant, std::string name, std::string root, WallTime at);

// Where a page ended.
struct JournalPlace {
  WallTime at{};
  std::int64_t number = 0;
};
struct JournalPage {
  std::string root;  // empty when nothing is known under that id
  std::vector<JournalEntry> entries;
  std::optional<JournalPlace> more = {};  // ask for what comes after it; none: that was all
};
constexpr std::int64_t journal_page_rows_max = 1000;

// The whole chain of events to which the id belongs, in order.
Task<Result<JournalPage>> read_journal(db::Database& database, event::Tenant tenant, std::string id,
                                       std::optional<JournalPlace> after = {},
                                       std::int64_t rows_max = journal_page_rows_max);

// Looks at the `limit` entries that were written first, removes those from before that moment, and answers how many.
// The same for names.
Task<Result<std::int64_t>> forget_journal(db::Database& database, WallTime before, std::int64_t limit);
Task<Result<std::int64_t>> forget_journal_names(db::Database& database, WallTime before, std::int64_t limit);

}  // namespace sluice::store
