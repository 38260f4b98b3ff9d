#include "common/store/pauses.hpp"

#include <algorithm>
#include <utility>

#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

// An empty text stands for all tenants, or for all pools.
constexpr db::Sql insert_pause =
    "INSERT INTO pauses (tenant, pool, reason, who, since) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (tenant, pool) DO NOTHING";
constexpr db::Sql remove_one = "DELETE FROM pauses WHERE tenant = $1 AND pool = $2";
constexpr db::Sql load = "SELECT tenant, pool, reason, who, since FROM pauses ORDER BY since";
constexpr db::Sql list = "SELECT tenant, pool, reason, who, since FROM pauses WHERE tenant IN ($1, '') ORDER BY since";

std::string text_of(const std::optional<event::Tenant>& tenant) {
  return tenant ? tenant->text() : std::string{};
}

Result<std::vector<Pause>> pauses_of(const db::Rows& rows) {
  std::vector<Pause> pauses;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Pause pause{.pool = rows.text(row, 1),
                .reason = rows.text(row, 2),
                .who = rows.text(row, 3),
                .since = moment(rows, row, 4)};
    if (!rows.text(row, 0).empty()) {
      auto tenant = event::Tenant::parse(rows.text(row, 0));
      if (!tenant) return fail(Kind::corrupt, "a row of pauses has a tenant that is none");
      pause.tenant = std::move(*tenant);
    }
    pauses.push_back(std::move(pause));
  }
  return pauses;
}

db::Batch told(db::Statement statement) {
  auto batch = batch_of(std::move(statement));
  batch.notices.emplace_back(pauses_channel);
  return batch;
}

Task<Result<std::vector<Pause>>> read(db::Database& database, db::Statement statement) {
  auto reading = database.read(std::move(statement));
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  co_return pauses_of(*rows);
}

}  // namespace

db::Batch pause_batch(const Pause& pause) {
  return told({insert_pause, {text_of(pause.tenant), pause.pool, pause.reason, pause.who, stored(pause.since)}});
}

db::Batch resume_batch(const std::optional<event::Tenant>& tenant, std::string pool) {
  return told({remove_one, {text_of(tenant), std::move(pool)}});
}

Task<Done> pause(db::Database& database, Pause pause) {
  return carry_out(database, pause_batch(pause));
}

Task<Done> resume(db::Database& database, std::optional<event::Tenant> tenant, std::string pool) {
  return carry_out(database, resume_batch(tenant, std::move(pool)));
}

const Pause* Pauses::find(const event::Tenant& tenant, std::string_view pool) const {
  const auto found = std::ranges::find_if(all_, [&](const Pause& pause) {
    return (!pause.tenant || *pause.tenant == tenant) && (pause.pool.empty() || pause.pool == pool);
  });
  return found == all_.end() ? nullptr : &*found;
}

Task<Result<Pauses>> load_pauses(db::Database& database) {
  auto reading = read(database, {load});
  auto pauses = co_await std::move(reading);
  if (!pauses) co_return fail(std::move(pauses).error());
  co_return Pauses{std::move(*pauses)};
}

Task<Result<std::vector<Pause>>> list_pauses(db::Database& database, event::Tenant tenant) {
  return read(database, {list, {tenant.text()}});
}

}  // namespace sluice::store
