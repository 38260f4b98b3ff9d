#include "common/store/effect_settling.hpp"

#include <utility>
#include <vector>

#include "common/db/dialect.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr auto this_attempt = db::piece<
    " WHERE tenant = $1 AND id = $2 AND generation = $3 AND attempt = $4 AND owner = $5 AND owner_epoch = $6 "
    "AND boot = $7 ">;

constexpr auto set_back =
    db::joined<"UPDATE effects SET state = 'planned', attempt = attempt + 1, code = $8, detail = $9", this_attempt,
               "AND state = 'attempting'">();
constexpr auto reject = db::joined<
    "UPDATE effects SET state = 'rejected', code = $8, detail = $9, settled_at = $10, lookup_due = NULL, "
    "lookup_owner = NULL, lookup_until = NULL",
    this_attempt, "AND state IN ('attempting', 'unknown')">();
// The first look-up comes 5 s after the deadline.
constexpr auto set_unknown =
    db::joined<"UPDATE effects SET state = 'unknown', detail = $8, lookups = 0, lookup_due = deadline_at + 5000",
               this_attempt, "AND state = 'attempting'">();

constexpr db::Sql refuse =
    "UPDATE effects SET state = 'rejected', code = $4, detail = $5, settled_at = $6 "
    "WHERE tenant = $1 AND id = $2 AND generation = $3 AND state = 'planned'";
constexpr db::Sql replay =
    "UPDATE effects SET state = 'planned', generation = generation + 1, attempt = 0, settled_at = NULL "
    "WHERE tenant = $1 AND id = $2 AND generation = $3 AND state = 'rejected'";

constexpr db::Sql set_sent =
    "UPDATE effects SET state = 'sent', sid = $3, settled_at = $4, lookup_due = NULL, lookup_owner = NULL, "
    "lookup_until = NULL WHERE tenant = $1 AND id = $2 AND state <> 'sent'";
constexpr db::Sql sid_of = "SELECT sid FROM effects WHERE tenant = $1 AND id = $2";

constexpr auto remove_settled = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, id FROM effects WHERE settled_at < $1 ORDER BY settled_at LIMIT $2",
    ") DELETE FROM effects WHERE (tenant, id) IN (SELECT tenant, id FROM taken)">();

db::Statement step(db::Sql sql, const Attempting& attempting, std::vector<db::Value> more) {
  std::vector<db::Value> values{attempting.tenant.text(),
                                attempting.effect.text(),
                                attempting.generation,
                                attempting.attempt,
                                attempting.owner,
                                attempting.epoch,
                                std::int64_t{attempting.began.time_since_epoch().count()}};
  for (auto& value : more) values.push_back(std::move(value));
  return {sql, std::move(values), db::Expect::exactly(1)};
}

// The same promise as the statement's expectation, but seen by us: with an expectation PostgreSQL is asked twice.
Task<Done> run_step(db::Database& database, db::Statement statement) {
  statement.expect = db::Expect::any();
  auto running = run(database, std::move(statement));
  const auto rows = co_await std::move(running);
  if (!rows) co_return fail(rows.error());
  if (rows->touched != 1) co_return fail(Kind::conflict, "the effect is not in this attempt any more");
  co_return Done{};
}

}  // namespace

db::Statement back_to_planned_row(const Attempting& attempting, std::string code, std::string detail) {
  return step(set_back, attempting, {std::move(code), std::move(detail)});
}

Task<Done> back_to_planned(db::Database& database, Attempting attempting, std::string code, std::string detail) {
  return run_step(database, back_to_planned_row(attempting, std::move(code), std::move(detail)));
}

db::Statement rejected_row(const Attempting& attempting, std::string code, std::string detail, WallTime now) {
  return step(reject, attempting, {std::move(code), std::move(detail), stored(now)});
}

Task<Done> rejected(db::Database& database, Attempting attempting, std::string code, std::string detail, WallTime now) {
  return run_step(database, rejected_row(attempting, std::move(code), std::move(detail), now));
}

db::Statement unknown_row(const Attempting& attempting, std::string detail) {
  return step(set_unknown, attempting, {std::move(detail)});
}

Task<Done> unknown(db::Database& database, Attempting attempting, std::string detail) {
  return run_step(database, unknown_row(attempting, std::move(detail)));
}

Task<Done> refuse_effect(db::Database& database, event::Tenant tenant, EffectId id, std::int64_t generation,
                         std::string code, std::string detail, WallTime now) {
  return run_step(database,
                  {refuse, {tenant.text(), id.text(), generation, std::move(code), std::move(detail), stored(now)}});
}

Task<Done> replay_effect(db::Database& database, event::Tenant tenant, EffectId id, std::int64_t generation) {
  return run_step(database, {replay, {tenant.text(), id.text(), generation}});
}

db::Statement sent_row(const event::Tenant& tenant, const EffectId& id, std::string sid, WallTime now) {
  return {set_sent, {tenant.text(), id.text(), std::move(sid), stored(now)}};
}

Task<Result<Settled>> sent(db::Database& database, event::Tenant tenant, EffectId id, std::string sid, WallTime now) {
  db::Batch batch;
  batch.statements.push_back(sent_row(tenant, id, sid, now));
  batch.statements.push_back({sid_of, {tenant.text(), id.text()}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  if (answers->front().touched == 1) co_return Settled::now;
  if (answers->back().empty()) co_return Settled::not_there;
  co_return answers->back().text(0, 0) == sid ? Settled::already : Settled::otherwise;
}

Task<Result<std::int64_t>> forget_settled_effects(db::Database& database, WallTime before, std::int64_t limit) {
  return remove(database, {remove_settled, {stored(before), limit}});
}

}  // namespace sluice::store
