// When a person last wrote to one of our senders: what the 24-hour window of WhatsApp counts from. And whether that
// sender was told that it may not write to them until they write again.
#pragma once

#include <optional>
#include <string>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/address.hpp"
#include "common/event/person.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

struct Window {
  std::optional<WallTime> last_inbound_at;
  std::optional<WallTime> closed_at;

  // A message of theirs that came later opens it again.
  [[nodiscard]] bool closed() const { return closed_at && (!last_inbound_at || *last_inbound_at <= *closed_at); }

  bool operator==(const Window&) const = default;
};

// Both only move forward: an older moment, or the same one again, changes nothing. `ours` is the sender as received.
// For batches that began with lock_person().
db::Statement inbound_at(const event::Tenant& tenant, const event::PersonId& person, const event::Address& ours,
                         WallTime at);
db::Statement window_closed_at(const event::Tenant& tenant, const event::PersonId& person, const event::Address& ours,
                               WallTime at);

// An empty one when nothing is known.
Task<Result<Window>> find_window(db::Database& database, event::Tenant tenant, event::PersonId person,
                                 event::Address ours);

}  // namespace sluice::store
