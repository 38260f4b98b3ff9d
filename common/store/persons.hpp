// The customers of a tenant, and the addresses that are known to be theirs. A phone number and a WhatsApp user id are
// one person as soon as a message proves it: the younger of two persons is then united with the older one, and every
// id of it leads there for ever.
//
// The person's row is the lock under which everything that decides about a send happens: consent (consent.hpp), who is
// in charge and the newest turn (conversations.hpp), and the gate's last step (effects.hpp). Whatever of these commits
// first, the others see.
#pragma once

#include <optional>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/address.hpp"
#include "common/event/person.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

// The person whom this address leads to, by its identity: the channel doesn't count.
Task<Result<std::optional<event::PersonId>>> find_person(db::Database& database, event::Tenant tenant,
                                                         event::Address theirs);

// The one person to whom all these addresses belong, as a message has just proved; made when none is known, united when
// several are. Doing it again, or by two processes at once, ends with the same person. Kind::invalid without addresses.
Task<Result<event::PersonId>> find_or_make_person(db::Database& database, event::Tenant tenant,
                                                  std::vector<event::Address> theirs, WallTime now);

// The person that this id means now: another one after they were united, itself otherwise.
Task<Result<std::optional<event::PersonId>>> current_person(db::Database& database, event::Tenant tenant,
                                                            event::PersonId id);

// Every address of a person, in the order of their identities and without channel.
Task<Result<std::vector<std::string>>> identities_of(db::Database& database, event::Tenant tenant,
                                                     event::PersonId person);

// The first statements of a batch that decides something about this person: until the batch has ended nobody else
// does. They hold the row of the person that the id means now.
std::vector<db::Statement> lock_person(const event::Tenant& tenant, const event::PersonId& person);

}  // namespace sluice::store
