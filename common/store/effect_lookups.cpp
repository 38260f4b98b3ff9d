#include "common/store/effect_lookups.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/store/effect_rows.hpp"

namespace sluice::store {
namespace {

constexpr std::chrono::minutes future_max{1};

constexpr auto take_overdue = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, id FROM effects WHERE pool = $1 AND state = 'attempting' "
    "AND (deadline_at <= $2 OR began_at > $3) ORDER BY deadline_at LIMIT $4",
    db::piece<") UPDATE effects SET state = 'unknown', detail = 'its owner did not say what became of it', "
              "lookups = 0, lookup_due = deadline_at + 5000 "
              "WHERE (tenant, id) IN (SELECT tenant, id FROM taken) RETURNING ",
              effect_columns>>();
constexpr auto claim = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, id FROM effects WHERE pool = $1 AND state = 'unknown' "
    "AND lookup_due <= $2 AND (lookup_until IS NULL OR lookup_until <= $2) ORDER BY lookup_due LIMIT $5",
    db::piece<") UPDATE effects SET lookup_owner = $3, lookup_until = $4 "
              "WHERE (tenant, id) IN (SELECT tenant, id FROM taken) RETURNING ",
              effect_columns>>();
// The four look-ups come 5, 15, 30 and 60 s after the deadline.
constexpr db::Sql note_nothing =
    "UPDATE effects SET lookups = lookups + 1, lookup_owner = NULL, lookup_until = NULL, "
    "lookup_due = CASE lookups WHEN 0 THEN deadline_at + 15000 WHEN 1 THEN deadline_at + 30000 "
    "WHEN 2 THEN deadline_at + 60000 END, settled_at = CASE WHEN lookups < 3 THEN NULL ELSE CAST($5 AS bigint) END "
    "WHERE tenant = $1 AND id = $2 AND state = 'unknown' AND lookup_owner = $3 AND lookups = $4 RETURNING lookup_due";
constexpr db::Sql first_due =
    "SELECT min(at) FROM (SELECT min(deadline_at) + 5000 AS at FROM effects WHERE pool = $1 AND state = 'attempting' "
    "UNION ALL SELECT min(CASE WHEN lookup_until > lookup_due THEN lookup_until ELSE lookup_due END) AS at "
    "FROM effects WHERE pool = $1 AND state = 'unknown' AND lookup_due IS NOT NULL) AS moments";
constexpr db::Sql is_bound = "SELECT 1 FROM effects WHERE tenant = $1 AND pool = $2 AND sid = $3";
constexpr auto page_of = db::piece<" AND (planned_at, id) > ($2, $3) ORDER BY planned_at, id LIMIT $4">;
constexpr auto list_open = db::joined<"SELECT ", effect_columns,
                                      ", planned_at FROM effects WHERE tenant = $1 AND settled_at IS NULL", page_of>();
constexpr auto list_unknown =
    db::joined<"SELECT ", effect_columns,
               ", planned_at FROM effects WHERE tenant = $1 AND state = 'unknown' AND settled_at IS NOT NULL",
               page_of>();

Task<Result<std::vector<Effect>>> take(db::Database& database, db::Statement statement) {
  auto running = run(database, std::move(statement));
  const auto rows = co_await std::move(running);
  if (!rows) co_return fail(rows.error());
  auto effects = effects_of(*rows);
  if (effects) std::ranges::sort(*effects, {}, &Effect::lookup_due);
  co_return effects;
}

}  // namespace

Task<Result<std::vector<Effect>>> overdue_to_unknown(db::Database& database, std::string pool, WallTime now,
                                                     std::int64_t limit) {
  return take(database,
              {take_overdue, {std::move(pool), stored(now - overdue_after), stored(now + future_max), limit}});
}

Task<Result<std::vector<Effect>>> claim_lookups(db::Database& database, std::string pool, WallTime now,
                                                std::string owner, std::chrono::milliseconds lease,
                                                std::int64_t limit) {
  return take(database, {claim, {std::move(pool), stored(now), std::move(owner), stored(now + lease), limit}});
}

Task<Result<LookedUp>> found_nothing(db::Database& database, Effect effect, std::string owner, WallTime now) {
  auto running =
      run(database, {note_nothing, {effect.tenant, effect.id.text(), std::move(owner), effect.lookups, stored(now)}});
  const auto rows = co_await std::move(running);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return LookedUp::not_ours;
  co_return rows->is_null(0, 0) ? LookedUp::last : LookedUp::again;
}

Task<Result<std::optional<WallTime>>> next_lookup(db::Database& database, std::string pool) {
  auto reading = database.read({first_due, {std::move(pool)}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  co_return moment_or_none(*rows, 0, 0);
}

Task<Result<std::vector<bool>>> are_bound(db::Database& database, event::Tenant tenant, std::string pool,
                                          std::vector<std::string> sids) {
  db::Batch batch;
  for (auto& sid : sids) batch.statements.push_back({is_bound, {tenant.text(), pool, std::move(sid)}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  std::vector<bool> bound;
  for (const auto& rows : *answers) bound.push_back(!rows.empty());
  co_return bound;
}

Task<Result<std::vector<ListedEffect>>> list_effects(db::Database& database, event::Tenant tenant, ListedEffects which,
                                                     std::optional<ListedEffect> after, std::int64_t rows_max) {
  const auto planned_at = after ? stored(after->planned_at) : std::numeric_limits<std::int64_t>::min();
  const auto id = after ? after->effect.id.text() : std::string{};
  auto reading = database.read(
      {which == ListedEffects::open ? list_open : list_unknown, {tenant.text(), planned_at, id, rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<ListedEffect> listed;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto effect = effect_of(*rows, row);
    if (!effect) co_return fail(std::move(effect).error());
    listed.push_back({std::move(*effect), moment(*rows, row, 22)});
  }
  co_return listed;
}

}  // namespace sluice::store
