#include "common/store/effects.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "common/base/ensure.hpp"
#include "common/store/effect_rows.hpp"
#include "common/store/persons.hpp"

namespace sluice::store {
namespace {

constexpr std::array states{EffectState::planned, EffectState::attempting, EffectState::sent, EffectState::rejected,
                            EffectState::unknown};
constexpr std::array verdicts{Verdict::open,   Verdict::moved,       Verdict::stopped,    Verdict::not_granted,
                              Verdict::closed, Verdict::handed_over, Verdict::superseded, Verdict::taken};

constexpr db::Sql insert_effect =
    "INSERT INTO effects (tenant, id, pool, event, kind, conversation, person, request, resend_of, planned_at, state, "
    "generation, attempt, owner, owner_epoch, boot, sid, gate, code, detail, lookups) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'planned', 0, 0, '', 0, 0, NULL, '', '', '', 0) "
    "ON CONFLICT (tenant, id) DO NOTHING";
constexpr auto find_by_id = db::joined<"SELECT ", effect_columns, " FROM effects WHERE tenant = $1 AND id = $2">();
constexpr auto find_by_sid =
    db::joined<"SELECT ", effect_columns, " FROM effects WHERE tenant = $1 AND pool = $2 AND sid = $3">();

// The gate's word, and only when it is `open` the attempt.
constexpr auto pass_gate = db::piece<
    "UPDATE effects SET gate = gates.word, state = CASE WHEN gates.word = 'open' THEN 'attempting' ELSE state END, "
    "owner = CASE WHEN gates.word = 'open' THEN CAST($5 AS text) ELSE owner END, "
    "owner_epoch = CASE WHEN gates.word = 'open' THEN CAST($6 AS bigint) ELSE owner_epoch END, "
    "deadline_at = CASE WHEN gates.word = 'open' THEN CAST($7 AS bigint) ELSE deadline_at END, "
    "boot = CASE WHEN gates.word = 'open' THEN CAST($8 AS bigint) ELSE boot END, "
    "began_at = CASE WHEN gates.word = 'open' THEN CAST($9 AS bigint) ELSE began_at END FROM (SELECT ">;
constexpr auto compare = db::piece<
    " AS word) AS gates WHERE tenant = $1 AND id = $2 AND generation = $3 AND attempt = $4 AND state = 'planned' "
    "RETURNING gate">;
constexpr auto pass_without_gate = db::joined<pass_gate, "CAST('open' AS text)", compare>();
// $10 the person, $11 the channel or none, $12 whether a grant is needed, $13 our address or none, $14 the conversation
// or none, $15 its epoch or none, $16 the newest turn that may be.
constexpr auto pass_through_gate = db::joined<
    pass_gate,
    "CASE WHEN NOT EXISTS (SELECT 1 FROM persons WHERE tenant = $1 AND id = $10 AND merged_into IS NULL) THEN 'moved' "
    "WHEN CAST($14 AS text) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM conversations WHERE tenant = $1 "
    "AND person = $10 AND key = (SELECT coalesce(named.alias_of, named.key) FROM conversations AS named "
    "WHERE named.tenant = $1 AND named.key = $14)) THEN 'moved' "
    "WHEN EXISTS (SELECT 1 FROM consents WHERE tenant = $1 AND person = $10 AND channel = CAST($11 AS text) "
    "AND consents.state = 'revoked') THEN 'stopped' "
    "WHEN CAST($12 AS bigint) = 1 AND NOT EXISTS (SELECT 1 FROM consents WHERE tenant = $1 AND person = $10 "
    "AND channel = $11 AND consents.state = 'granted') THEN 'not_granted' "
    "WHEN EXISTS (SELECT 1 FROM windows WHERE tenant = $1 AND person = $10 AND ours = CAST($13 AS text) "
    "AND closed_at IS NOT NULL AND (last_inbound_at IS NULL OR last_inbound_at <= closed_at)) THEN 'closed' "
    "WHEN CAST($15 AS bigint) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM conversations WHERE tenant = $1 "
    "AND epoch = $15 AND key = (SELECT coalesce(named.alias_of, named.key) FROM conversations AS named "
    "WHERE named.tenant = $1 AND named.key = $14)) THEN 'handed_over' "
    "WHEN EXISTS (SELECT 1 FROM conversations WHERE tenant = $1 AND newest_turn > CAST($16 AS bigint) "
    "AND key = (SELECT coalesce(named.alias_of, named.key) FROM conversations AS named "
    "WHERE named.tenant = $1 AND named.key = $14)) THEN 'superseded' ELSE 'open' END",
    compare>();

db::Value or_null(const auto& optional, auto text_of) {
  if (!optional) return std::monostate{};
  return db::Value{text_of(*optional)};
}

std::vector<db::Value> attempt_values(const Attempting& attempting, WallTime now) {
  return {attempting.tenant.text(),
          attempting.effect.text(),
          attempting.generation,
          attempting.attempt,
          attempting.owner,
          attempting.epoch,
          stored(attempting.deadline),
          std::int64_t{attempting.began.time_since_epoch().count()},
          stored(now)};
}

db::Statement passing(const Attempting& attempting, const std::optional<Gate>& gate, WallTime now) {
  auto values = attempt_values(attempting, now);
  if (!gate) return {pass_without_gate, std::move(values)};
  ENSURE(gate->conversation || (!gate->epoch && !gate->turn), "epoch and turn are those of a conversation");
  ENSURE(gate->channel || !gate->needs_grant, "consent is granted on a channel");
  const auto itself = [](std::int64_t number) { return number; };
  const auto text = [](const auto& named) { return named.text(); };
  values.emplace_back(gate->person.text());
  values.push_back(or_null(gate->channel, [](auto channel) { return std::string{event::name_of(channel)}; }));
  values.emplace_back(std::int64_t{gate->needs_grant ? 1 : 0});
  values.push_back(or_null(gate->ours, text));
  values.push_back(or_null(gate->conversation, text));
  values.push_back(or_null(gate->epoch, itself));
  values.push_back(or_null(gate->turn, itself));
  return {pass_through_gate, std::move(values)};
}

// This very call was made before, and its answer got lost.
bool is_mine(const Effect& effect, const Attempting& attempting) {
  return effect.state == EffectState::attempting && effect.generation == attempting.generation &&
         effect.attempt == attempting.attempt && effect.owner == attempting.owner && effect.epoch == attempting.epoch &&
         effect.boot == attempting.began;
}

}  // namespace

EffectId effect_id(const event::Tenant& tenant, const event::EventId& event, std::string_view pool,
                   std::uint32_t index) {
  return EffectId{event::digest_of("sluice/effect/1", {tenant.text(), event.text(), pool, std::to_string(index)})};
}

std::string_view name_of(EffectState state) {
  switch (state) {
    case EffectState::planned:
      return "planned";
    case EffectState::attempting:
      return "attempting";
    case EffectState::sent:
      return "sent";
    case EffectState::rejected:
      return "rejected";
    case EffectState::unknown:
      return "unknown";
  }
  return "";
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::open:
      return "open";
    case Verdict::moved:
      return "moved";
    case Verdict::stopped:
      return "stopped";
    case Verdict::not_granted:
      return "not_granted";
    case Verdict::closed:
      return "closed";
    case Verdict::handed_over:
      return "handed_over";
    case Verdict::superseded:
      return "superseded";
    case Verdict::taken:
      return "taken";
  }
  return "";
}

db::Statement plan_effect(const EffectPlan& plan, WallTime now) {
  return {insert_effect,
          {plan.tenant.text(), plan.id.text(), plan.pool, plan.event.text(), plan.kind, plan.conversation, plan.person,
           plan.request, or_null(plan.resend_of, [](const EffectId& id) { return id.text(); }), stored(now)}};
}

Result<Effect> effect_of(const db::Rows& rows, std::size_t row) {
  auto id = EffectId::parse(rows.text(row, 1));
  const auto state = std::ranges::find_if(states, [&](auto one) { return name_of(one) == rows.text(row, 8); });
  if (!id || state == states.end()) return fail(Kind::corrupt, "a row of effects has an id or a state that is none");
  return Effect{.tenant = rows.text(row, 0),
                .id = *id,
                .pool = rows.text(row, 2),
                .event = rows.text(row, 3),
                .kind = rows.text(row, 4),
                .conversation = rows.text(row, 5),
                .person = rows.text(row, 6),
                .request = rows.text(row, 7),
                .state = *state,
                .generation = rows.integer(row, 9),
                .attempt = rows.integer(row, 10),
                .owner = rows.text(row, 11),
                .epoch = rows.integer(row, 12),
                .began_at = moment_or_none(rows, row, 13),
                .deadline_at = moment_or_none(rows, row, 14),
                .boot = Instant{Duration{rows.integer(row, 15)}},
                .sid = rows.is_null(row, 16) ? std::string{} : rows.text(row, 16),
                .gate = rows.text(row, 17),
                .code = rows.text(row, 18),
                .detail = rows.text(row, 19),
                .lookups = rows.integer(row, 20),
                .lookup_due = moment_or_none(rows, row, 21)};
}

Result<std::vector<Effect>> effects_of(const db::Rows& rows) {
  std::vector<Effect> effects;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto effect = effect_of(rows, row);
    if (!effect) return fail(std::move(effect).error());
    effects.push_back(std::move(*effect));
  }
  return effects;
}

namespace {

Task<Result<std::optional<Effect>>> find(db::Database& database, db::Statement statement) {
  auto reading = database.read(std::move(statement));
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  auto effect = effect_of(*rows, 0);
  if (!effect) co_return fail(std::move(effect).error());
  co_return std::move(*effect);
}

}  // namespace

Task<Result<std::optional<Effect>>> find_effect(db::Database& database, event::Tenant tenant, EffectId id) {
  return find(database, {find_by_id, {tenant.text(), id.text()}});
}

Task<Result<std::optional<Effect>>> find_effect_by_sid(db::Database& database, event::Tenant tenant, std::string pool,
                                                       std::string sid) {
  return find(database, {find_by_sid, {tenant.text(), std::move(pool), std::move(sid)}});
}

bool is_fresh(const Attempting& attempting, Instant boot_now) {
  return boot_now - attempting.began < attempt_age_max;
}

Task<Result<Begun>> begin_attempt(db::Database& database, Attempting attempting, std::optional<Gate> gate, WallTime now,
                                  std::optional<EffectPlan> plan) {
  db::Batch batch;
  if (gate) batch.statements = lock_person(attempting.tenant, gate->person);
  if (plan) batch.statements.push_back(plan_effect(*plan, now));
  const auto passed = batch.statements.size();
  batch.statements.push_back(passing(attempting, gate, now));
  batch.statements.push_back({find_by_id, {attempting.tenant.text(), attempting.effect.text()}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  if (answers->back().empty()) co_return fail(Kind::not_found, "this tenant has no such effect");
  auto effect = effect_of(answers->back(), 0);
  if (!effect) co_return fail(std::move(effect).error());
  const auto& words = (*answers)[passed];
  if (words.empty()) co_return Begun{is_mine(*effect, attempting) ? Verdict::open : Verdict::taken, std::move(*effect)};
  const auto verdict = std::ranges::find_if(verdicts, [&](auto one) { return name_of(one) == words.text(0, 0); });
  ENSURE(verdict != verdicts.end(), "the gate says only words that it knows");
  co_return Begun{*verdict, std::move(*effect)};
}

}  // namespace sluice::store
