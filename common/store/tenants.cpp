#include "common/store/tenants.hpp"

#include <chrono>
#include <utility>

namespace sluice::store {
namespace {

constexpr db::Sql insert_tenant = "INSERT INTO tenants (id, name, created_at, settings) VALUES ($1, $2, $3, $4)";
constexpr db::Sql find_tenant = "SELECT id, name, created_at, settings FROM tenants WHERE id = $1";
constexpr db::Sql list_tenants =
    "SELECT id, name, created_at, settings FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";

Result<TenantRow> tenant_of(const db::Rows& rows, std::size_t row) {
  auto id = event::Tenant::parse(rows.text(row, 0));
  if (!id) return fail(Kind::corrupt, "a row of tenants has an id that is none: " + id.error().sentence);
  const WallTime created_at{std::chrono::milliseconds{rows.integer(row, 2)}};
  return TenantRow{std::move(*id), rows.text(row, 1), created_at, rows.text(row, 3)};
}

}  // namespace

Task<Result<std::optional<TenantRow>>> Tenants::find(event::Tenant id) {
  auto reading = database_.read({find_tenant, {id.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  auto tenant = tenant_of(*rows, 0);
  if (!tenant) co_return fail(std::move(tenant).error());
  co_return std::move(*tenant);
}

Task<Done> Tenants::insert(TenantRow tenant) {
  db::Batch batch;
  batch.statements.push_back({insert_tenant,
                              {tenant.id.text(), std::move(tenant.name), tenant.created_at.time_since_epoch().count(),
                               std::move(tenant.settings)}});
  auto running = database_.run(std::move(batch));
  auto ran = co_await std::move(running);
  if (!ran) co_return fail(std::move(ran).error());
  co_return Done{};
}

Task<Result<std::vector<TenantRow>>> Tenants::list(std::optional<event::Tenant> after) {
  auto reading = database_.read({list_tenants, {after ? after->text() : std::string{}, page_rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<TenantRow> tenants;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto tenant = tenant_of(*rows, row);
    if (!tenant) co_return fail(std::move(tenant).error());
    tenants.push_back(std::move(*tenant));
  }
  co_return tenants;
}

}  // namespace sluice::store
