#include "common/store/parked_heads.hpp"

#include <limits>
#include <utility>

#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr db::Sql load_page =
    "SELECT pool, partition_number, lane, tenant, event, tries, since, due, why, last_failed, paused, paused_since "
    "FROM parked_heads WHERE pool = $1 AND partition_number = $2 AND lane >= $3 ORDER BY lane LIMIT $4";
constexpr db::Sql find_head_row =
    "SELECT pool, partition_number, lane, tenant, event, tries, since, due, why, last_failed, paused, paused_since "
    "FROM parked_heads WHERE pool = $1 AND partition_number = $2 AND lane = $3";
constexpr db::Sql keep =
    "INSERT INTO parked_heads (pool, partition_number, lane, tenant, event, tries, since, due, why, last_failed, "
    "paused, paused_since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
    "ON CONFLICT (pool, partition_number, lane) DO UPDATE SET tenant = excluded.tenant, event = excluded.event, "
    "tries = excluded.tries, since = excluded.since, due = excluded.due, why = excluded.why, "
    "last_failed = excluded.last_failed, paused = excluded.paused, "
    "paused_since = excluded.paused_since";
constexpr db::Sql forget = "DELETE FROM parked_heads WHERE pool = $1 AND partition_number = $2 AND lane = $3";
constexpr db::Sql list_of_tenant =
    "SELECT pool, partition_number, lane, tenant, event, tries, since, due, why, last_failed, paused, paused_since "
    "FROM parked_heads WHERE tenant = $1 AND (since, event, pool) > ($2, $3, $4) ORDER BY since, event, pool LIMIT $5";

constexpr std::int64_t page_rows = 5000;  // read at once: a partition may hold tens of thousands

ParkedHead head_of(const db::Rows& rows, std::size_t row) {
  return {.pool = rows.text(row, 0),
          .partition = static_cast<std::int32_t>(rows.integer(row, 1)),
          .lane = rows.integer(row, 2),
          .tenant = rows.text(row, 3),
          .event = rows.text(row, 4),
          .tries = rows.integer(row, 5),
          .since = moment(rows, row, 6),
          .due = moment(rows, row, 7),
          .why = rows.text(row, 8),
          .last_failed = moment(rows, row, 9),
          .paused = std::chrono::milliseconds{rows.integer(row, 10)},
          .paused_since = moment_or_none(rows, row, 11)};
}

}  // namespace

Task<Result<std::vector<ParkedHead>>> load_parked_heads(db::Database& database, std::string pool,
                                                        std::int32_t partition) {
  std::vector<ParkedHead> heads;
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  while (true) {
    auto reading = database.read({load_page, {pool, std::int64_t{partition}, from, page_rows}});
    const auto rows = co_await std::move(reading);
    if (!rows) co_return fail(rows.error());
    for (std::size_t row = 0; row < rows->size(); ++row) heads.push_back(head_of(*rows, row));
    if (rows->size() < static_cast<std::size_t>(page_rows)) co_return heads;
    if (heads.back().lane == std::numeric_limits<std::int64_t>::max()) co_return heads;
    from = heads.back().lane + 1;
  }
}

Task<Result<std::optional<ParkedHead>>> find_parked_head(db::Database& database, std::string pool,
                                                         std::int32_t partition, std::int64_t lane) {
  auto reading = database.read({find_head_row, {std::move(pool), std::int64_t{partition}, lane}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return head_of(*rows, 0);
}

db::Statement keep_parked_head(ParkedHead head) {
  const db::Value paused_since = head.paused_since ? db::Value{stored(*head.paused_since)} : db::Value{};
  return {keep,
          {std::move(head.pool), std::int64_t{head.partition}, head.lane, std::move(head.tenant), std::move(head.event),
           head.tries, stored(head.since), stored(head.due), std::move(head.why), stored(head.last_failed),
           std::int64_t{head.paused.count()}, paused_since}};
}

db::Statement forget_parked_head(std::string pool, std::int32_t partition, std::int64_t lane) {
  return {forget, {std::move(pool), std::int64_t{partition}, lane}};
}

Task<Result<std::vector<ParkedHead>>> list_parked_heads(db::Database& database, event::Tenant tenant,
                                                        std::optional<ParkedHead> after, std::int64_t rows_max) {
  const auto since = after ? stored(after->since) : std::numeric_limits<std::int64_t>::min();
  const auto event = after ? after->event : std::string{};
  const auto pool = after ? after->pool : std::string{};
  auto reading = database.read({list_of_tenant, {tenant.text(), since, event, pool, rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<ParkedHead> heads;
  heads.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) heads.push_back(head_of(*rows, row));
  co_return heads;
}

}  // namespace sluice::store
