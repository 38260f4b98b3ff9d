#include "common/store/schedule.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "common/db/dialect.hpp"
#include "common/store/packed_headers.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr db::Sql insert_planned =
    "INSERT INTO schedule (tenant, pool, event, record_key, due, origin_offset, origin_at, state, round, value, "
    "headers) VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $9) "
    "ON CONFLICT (tenant, pool, event) DO UPDATE SET due = excluded.due, state = 'pending', "
    "round = schedule.round + 1, value = excluded.value, headers = excluded.headers, owner = NULL, "
    "lease_until = NULL, ended_at = NULL WHERE schedule.state IN ('claimed', 'fired')";

constexpr auto end_leases = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, pool, event FROM schedule "
    "WHERE pool = $1 AND state = 'claimed' AND lease_until <= $2 ORDER BY lease_until LIMIT $3",
    ") UPDATE schedule SET state = 'pending', owner = NULL, lease_until = NULL "
    "WHERE (tenant, pool, event) IN (SELECT tenant, pool, event FROM taken)">();

// The rows before a row are those of its conversation that are open and come first. All origins of one conversation in
// one pool are offsets of one partition, so the offset says which came first; times only decide between records of
// before and after a move to another log.
constexpr auto claim = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, pool, event FROM schedule AS mine "
    "WHERE pool = $1 AND state = 'pending' AND due <= $2 "
    "AND NOT EXISTS (SELECT 1 FROM schedule AS other WHERE other.tenant = mine.tenant AND other.pool = mine.pool "
    "AND other.record_key = mine.record_key AND other.ended_at IS NULL "
    "AND (other.due, other.origin_offset, other.origin_at, other.event) < "
    "(mine.due, mine.origin_offset, mine.origin_at, mine.event)) ORDER BY due LIMIT $5",
    ") UPDATE schedule SET state = 'claimed', owner = $3, lease_until = $4 "
    "WHERE (tenant, pool, event) IN (SELECT tenant, pool, event FROM taken) "
    "RETURNING tenant, pool, event, round, due, record_key, value, headers, origin_offset">();

constexpr db::Sql mark_fired =
    "UPDATE schedule SET state = 'fired', ended_at = $5, owner = NULL, lease_until = NULL, value = NULL, "
    "headers = NULL WHERE tenant = $1 AND pool = $2 AND event = $3 AND round = $4 AND ended_at IS NULL";

constexpr db::Sql first_due =
    "SELECT min(at) FROM (SELECT (SELECT due FROM schedule AS mine WHERE pool = $1 AND state = 'pending' "
    "AND NOT EXISTS (SELECT 1 FROM schedule AS other WHERE other.tenant = mine.tenant AND other.pool = mine.pool "
    "AND other.record_key = mine.record_key AND other.ended_at IS NULL "
    "AND (other.due, other.origin_offset, other.origin_at, other.event) < "
    "(mine.due, mine.origin_offset, mine.origin_at, mine.event)) ORDER BY due LIMIT 1) AS at "
    "UNION ALL SELECT min(lease_until) AS at FROM schedule WHERE pool = $1 AND state = 'claimed') AS moments";

constexpr db::Sql cancel =
    "UPDATE schedule SET state = 'cancelled', ended_at = $4, value = NULL, headers = NULL "
    "WHERE tenant = $1 AND pool = $2 AND event = $3 AND state = 'pending'";
constexpr db::Sql state_of = "SELECT state FROM schedule WHERE tenant = $1 AND pool = $2 AND event = $3";

constexpr db::Sql list_open =
    "SELECT pool, event, record_key, due, state FROM schedule WHERE tenant = $1 AND ended_at IS NULL "
    "AND (due, event, pool) > ($2, $3, $4) ORDER BY due, event, pool LIMIT $5";

constexpr auto remove_ended = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, pool, event FROM schedule "
    "WHERE ended_at < $1 ORDER BY ended_at LIMIT $2",
    ") DELETE FROM schedule WHERE (tenant, pool, event) IN (SELECT tenant, pool, event FROM taken)">();

Result<ClaimedEvent> claimed_of(const db::Rows& rows, std::size_t row) {
  auto headers = unpack(rows.bytes(row, 7));
  if (!headers) return fail(std::move(headers).error());
  return ClaimedEvent{.tenant = rows.text(row, 0),
                      .pool = rows.text(row, 1),
                      .event = rows.text(row, 2),
                      .round = rows.integer(row, 3),
                      .due = moment(rows, row, 4),
                      .record = {rows.text(row, 5), rows.bytes(row, 6), std::move(*headers)}};
}

}  // namespace

db::Statement schedule_row(std::string pool, const event::Event& event, const event::Encoded& encoded, WallTime due) {
  const auto& origin = event.journey.origin;
  return {insert_planned,
          {event.tenant.text(), std::move(pool), event.id.text(), encoded.key, stored(due),
           origin ? origin->offset : std::int64_t{0}, stored(origin ? origin->timestamp : event.time),
           db::Blob{encoded.value}, db::Blob{pack(encoded.headers)}}};
}

Task<Result<std::vector<ClaimedEvent>>> claim_due(db::Database& database, std::string pool, WallTime now,
                                                  std::string owner, std::chrono::milliseconds lease,
                                                  std::int64_t limit) {
  db::Batch batch;
  batch.statements.push_back({end_leases, {pool, stored(now), limit}});
  batch.statements.push_back({claim, {std::move(pool), stored(now), std::move(owner), stored(now + lease), limit}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  const auto& rows = answers->back();
  std::vector<std::pair<std::int64_t, ClaimedEvent>> claimed;  // with their origins
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto event = claimed_of(rows, row);
    if (!event) co_return fail(std::move(event).error());
    claimed.emplace_back(rows.integer(row, 8), std::move(*event));
  }
  const auto place = [](const auto& entry) { return std::tie(entry.second.due, entry.first, entry.second.event); };
  std::ranges::sort(claimed, {}, place);
  std::vector<ClaimedEvent> events;
  events.reserve(claimed.size());
  for (auto& entry : claimed) events.push_back(std::move(entry.second));
  co_return events;
}

db::Statement fired_row(const ClaimedEvent& claimed, WallTime now) {
  return {mark_fired, {claimed.tenant, claimed.pool, claimed.event, claimed.round, stored(now)}};
}

Task<Done> fired(db::Database& database, std::vector<ClaimedEvent> claimed, WallTime now) {
  db::Batch batch;
  for (const auto& event : claimed) batch.statements.push_back(fired_row(event, now));
  return carry_out(database, std::move(batch));
}

Task<Result<std::optional<WallTime>>> next_due(db::Database& database, std::string pool) {
  auto reading = database.read({first_due, {std::move(pool)}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  co_return moment_or_none(*rows, 0, 0);
}

Task<Result<Cancelled>> cancel_scheduled(db::Database& database, event::Tenant tenant, std::string pool,
                                         std::string event, WallTime now) {
  db::Batch batch;
  batch.statements.push_back({cancel, {tenant.text(), pool, event, stored(now)}});
  batch.statements.push_back({state_of, {tenant.text(), std::move(pool), std::move(event)}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  const auto& state = answers->back();
  if (state.empty()) co_return Cancelled::unknown;
  co_return state.text(0, 0) == "cancelled" ? Cancelled::now : Cancelled::too_late;
}

Task<Result<std::vector<ScheduledEvent>>> list_scheduled(db::Database& database, event::Tenant tenant,
                                                         std::optional<ScheduledEvent> after, std::int64_t rows_max) {
  const auto due = after ? stored(after->due) : std::numeric_limits<std::int64_t>::min();
  const auto event = after ? after->event : std::string{};
  const auto pool = after ? after->pool : std::string{};
  auto reading = database.read({list_open, {tenant.text(), due, event, pool, rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<ScheduledEvent> events;
  events.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row)
    events.push_back({.pool = rows->text(row, 0),
                      .event = rows->text(row, 1),
                      .key = rows->text(row, 2),
                      .due = moment(*rows, row, 3),
                      .claimed = rows->text(row, 4) == "claimed"});
  co_return events;
}

Task<Result<std::int64_t>> forget_ended_schedule(db::Database& database, WallTime before, std::int64_t limit) {
  return remove(database, {remove_ended, {stored(before), limit}});
}

}  // namespace sluice::store
