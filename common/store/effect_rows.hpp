// How a row of `effects` is read: for the files of the ledger alone.
#pragma once

#include "common/db/dialect.hpp"
#include "common/store/effects.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {

inline constexpr auto effect_columns = db::piece<
    "tenant, id, pool, event, kind, conversation, person, request, state, generation, attempt, owner, "
    "owner_epoch, began_at, deadline_at, boot, sid, gate, code, detail, lookups, lookup_due">;

Result<Effect> effect_of(const db::Rows& rows, std::size_t row);
Result<std::vector<Effect>> effects_of(const db::Rows& rows);

}  // namespace sluice::store
