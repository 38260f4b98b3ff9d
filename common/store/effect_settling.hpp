// How an attempt ends. Each step carries owner, epoch, generation and attempt, so that only the one who tries can end
// the try; but that it was sent is believed from anybody who can name what the other side calls it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/store/effects.hpp"

namespace sluice::store {

// These change nothing, as Kind::conflict, when the effect is no longer in that attempt. The statements expect their
// one row; the tasks answer the conflict without one more round trip.

// A definite no that may pass: nothing was done, and the next attempt may begin.
db::Statement back_to_planned_row(const Attempting& attempting, std::string code, std::string detail);
Task<Done> back_to_planned(db::Database& database, Attempting attempting, std::string code, std::string detail);

// A definite no that stays. Also when others have taken the attempt for unknown meanwhile: this is better known.
db::Statement rejected_row(const Attempting& attempting, std::string code, std::string detail, WallTime now);
Task<Done> rejected(db::Database& database, Attempting attempting, std::string code, std::string detail, WallTime now);

// Bytes went out and no answer came. Its look-ups begin.
db::Statement unknown_row(const Attempting& attempting, std::string detail);
Task<Done> unknown(db::Database& database, Attempting attempting, std::string detail);

// It will not be tried: the gate's last word, or another decision against it. Only what is planned in that generation.
Task<Done> refuse_effect(db::Database& database, event::Tenant tenant, EffectId id, std::int64_t generation,
                         std::string code, std::string detail, WallTime now);

// An operator wants what was rejected or refused in `generation` to be tried again, in the next generation.
Task<Done> replay_effect(db::Database& database, event::Tenant tenant, EffectId id, std::int64_t generation);

enum class Settled : std::uint8_t {
  now,
  already,    // and under the same name
  otherwise,  // it was sent, but the other side calls it otherwise: it was sent twice
  not_there,
};

// The other side has it, whatever the row says: the answer to the call, a look-up and the status callback all end here.
// Kind::conflict when that name belongs to another effect of this tenant and pool. What has no name (a label, an
// assignment) is sent under its effect's id.
Task<Result<Settled>> sent(db::Database& database, event::Tenant tenant, EffectId id, std::string sid, WallTime now);
db::Statement sent_row(const event::Tenant& tenant, const EffectId& id, std::string sid, WallTime now);
inline Task<Result<Settled>> settle_by_callback(db::Database& database, event::Tenant tenant, EffectId id,
                                                std::string sid, WallTime now) {
  return sent(database, std::move(tenant), id, std::move(sid), now);
}

// Removes up to `limit` effects that were settled before that moment, the oldest first, and answers how many. What is
// planned, attempting or still looked up stays.
Task<Result<std::int64_t>> forget_settled_effects(db::Database& database, WallTime before, std::int64_t limit);

}  // namespace sluice::store
