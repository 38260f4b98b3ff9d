// What became of effects whose answer never came. Somebody else's attempt is unknown to everybody once its deadline and
// 5 s have passed; an unknown effect is looked up on the other side 5, 15, 30 and 60 s after its deadline. Whoever
// finds a look-up due claims it with a lease; when the last one finds nothing the effect stays unknown, for a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/store/effects.hpp"

namespace sluice::store {

constexpr std::chrono::seconds overdue_after{5};  // behind the deadline of the call

// Up to `limit` attempts of this pool that are overdue at `now` become unknown, whoever made them; their effects come
// back. So does an attempt that lies more than a minute in the future: a clock went back, and taking it for unknown too
// early costs only look-ups.
Task<Result<std::vector<Effect>>> overdue_to_unknown(db::Database& database, std::string pool, WallTime now,
                                                     std::int64_t limit);

// The unknown effects of this pool whose next look-up is due, at most `limit`, the longest due first. They are nobody
// else's until now + lease.
Task<Result<std::vector<Effect>>> claim_lookups(db::Database& database, std::string pool, WallTime now,
                                                std::string owner, std::chrono::milliseconds lease, std::int64_t limit);

enum class LookedUp : std::uint8_t {
  again,    // another look-up will come
  last,     // that was the last one: it stays unknown
  not_ours  // it was settled meanwhile, or somebody else looks
};

// A claimed look-up found nothing. What it finds is settled by sent(). `effect` is as claim_lookups() gave it.
Task<Result<LookedUp>> found_nothing(db::Database& database, Effect effect, std::string owner, WallTime now);

// When there is something to do for one of the two above.
Task<Result<std::optional<WallTime>>> next_lookup(db::Database& database, std::string pool);

// Which of these names of the other side belong to an effect of this tenant and pool, in the order given: a look-up
// passes them over.
Task<Result<std::vector<bool>>> are_bound(db::Database& database, event::Tenant tenant, std::string pool,
                                          std::vector<std::string> sids);

// What is listed: effects in hand (planned, attempting, or unknown with look-ups to come), or those that stay unknown.
enum class ListedEffects : std::uint8_t { open, unknown };
struct ListedEffect {
  Effect effect;
  WallTime planned_at{};
};
constexpr std::int64_t effects_page_rows_max = 500;

// For people and for the audit: of one tenant, those that were planned first; at most `rows_max`, the rest comes with
// `after`, the last one of the page before.
Task<Result<std::vector<ListedEffect>>> list_effects(db::Database& database, event::Tenant tenant, ListedEffects which,
                                                     std::optional<ListedEffect> after = {},
                                                     std::int64_t rows_max = effects_page_rows_max);

}  // namespace sluice::store
