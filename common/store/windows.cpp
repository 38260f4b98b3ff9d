#include "common/store/windows.hpp"

#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr db::Sql note_inbound =
    "INSERT INTO windows (tenant, person, ours, last_inbound_at) SELECT tenant, coalesce(merged_into, id), "
    "CAST($3 AS text), CAST($4 AS bigint) FROM persons WHERE tenant = $1 AND id = $2 "
    "ON CONFLICT (tenant, person, ours) DO UPDATE SET last_inbound_at = excluded.last_inbound_at "
    "WHERE windows.last_inbound_at IS NULL OR windows.last_inbound_at < excluded.last_inbound_at";
constexpr db::Sql note_closed =
    "INSERT INTO windows (tenant, person, ours, closed_at) SELECT tenant, coalesce(merged_into, id), "
    "CAST($3 AS text), CAST($4 AS bigint) FROM persons WHERE tenant = $1 AND id = $2 "
    "ON CONFLICT (tenant, person, ours) DO UPDATE SET closed_at = excluded.closed_at "
    "WHERE windows.closed_at IS NULL OR windows.closed_at < excluded.closed_at";
constexpr db::Sql find_one =
    "SELECT last_inbound_at, closed_at FROM windows WHERE tenant = $1 AND person = "
    "(SELECT coalesce(merged_into, id) FROM persons WHERE tenant = $1 AND id = $2) AND ours = $3";

}  // namespace

db::Statement inbound_at(const event::Tenant& tenant, const event::PersonId& person, const event::Address& ours,
                         WallTime at) {
  return {note_inbound, {tenant.text(), person.text(), ours.text(), stored(at)}};
}

db::Statement window_closed_at(const event::Tenant& tenant, const event::PersonId& person, const event::Address& ours,
                               WallTime at) {
  return {note_closed, {tenant.text(), person.text(), ours.text(), stored(at)}};
}

Task<Result<Window>> find_window(db::Database& database, event::Tenant tenant, event::PersonId person,
                                 event::Address ours) {
  auto reading = database.read({find_one, {tenant.text(), person.text(), ours.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return Window{};
  co_return Window{moment_or_none(*rows, 0, 0), moment_or_none(*rows, 0, 1)};
}

}  // namespace sluice::store
