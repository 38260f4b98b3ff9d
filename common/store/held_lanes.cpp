#include "common/store/held_lanes.hpp"

#include <utility>

#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr db::Sql hold =
    "INSERT INTO held_lanes (pool, partition_number, lane, tenant, event, why, since) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (pool, partition_number, lane) DO UPDATE SET "
    "tenant = excluded.tenant, event = excluded.event, why = excluded.why, since = excluded.since";
constexpr db::Sql release = "DELETE FROM held_lanes WHERE pool = $1 AND partition_number = $2 AND lane = $3";
constexpr db::Sql load =
    "SELECT pool, partition_number, lane, tenant, event, why, since FROM held_lanes "
    "WHERE pool = $1 AND partition_number = $2 ORDER BY since, lane";
constexpr db::Sql find_one =
    "SELECT pool, partition_number, lane, tenant, event, why, since FROM held_lanes "
    "WHERE pool = $1 AND partition_number = $2 AND lane = $3";
constexpr db::Sql list =
    "SELECT pool, partition_number, lane, tenant, event, why, since FROM held_lanes "
    "WHERE tenant = $1 ORDER BY since, event LIMIT $2";

Task<Result<std::vector<HeldLane>>> read(db::Database& database, db::Statement statement) {
  auto reading = database.read(std::move(statement));
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<HeldLane> held;
  held.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    held.push_back({.pool = rows->text(row, 0),
                    .partition = static_cast<std::int32_t>(rows->integer(row, 1)),
                    .lane = rows->integer(row, 2),
                    .tenant = rows->text(row, 3),
                    .event = rows->text(row, 4),
                    .why = rows->text(row, 5),
                    .since = moment(*rows, row, 6)});
  }
  co_return held;
}

}  // namespace

db::Statement hold_lane(HeldLane held) {
  return {hold,
          {std::move(held.pool), std::int64_t{held.partition}, held.lane, std::move(held.tenant), std::move(held.event),
           std::move(held.why), stored(held.since)}};
}

Task<Result<bool>> release_lane(db::Database& database, std::string pool, std::int32_t partition, std::int64_t lane) {
  auto batch = batch_of({release, {std::move(pool), std::int64_t{partition}, lane}});
  batch.notices.emplace_back(held_lanes_channel);
  auto running = database.run(std::move(batch));
  const auto rows = co_await std::move(running);
  if (!rows) co_return fail(rows.error());
  co_return rows->front().touched > 0;
}

Task<Result<std::vector<HeldLane>>> load_held_lanes(db::Database& database, std::string pool, std::int32_t partition) {
  return read(database, {load, {std::move(pool), std::int64_t{partition}}});
}

Task<Result<std::optional<HeldLane>>> find_held_lane(db::Database& database, std::string pool, std::int32_t partition,
                                                     std::int64_t lane) {
  auto reading = read(database, {find_one, {std::move(pool), std::int64_t{partition}, lane}});
  auto found = co_await std::move(reading);
  if (!found) co_return fail(std::move(found).error());
  if (found->empty()) co_return std::nullopt;
  co_return std::move(found->front());
}

Task<Result<std::vector<HeldLane>>> list_held_lanes(db::Database& database, event::Tenant tenant,
                                                    std::int64_t rows_max) {
  return read(database, {list, {tenant.text(), rows_max}});
}

}  // namespace sluice::store
