#include "common/store/journal.hpp"

#include <limits>
#include <span>
#include <utility>

#include "common/db/dialect.hpp"
#include "common/store/many_rows.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr std::size_t columns = 8;

template <std::size_t rows>
consteval db::Sql inserting() {
  return db::joined<"INSERT INTO journal (tenant, root, event, at, pool, what, attempt, detail) VALUES ",
                    values_of_rows<rows, columns>>();
}

struct Insert {
  std::size_t rows;
  db::Sql sql;
};
// The largest that fits comes first. Few of them, since every connection keeps each prepared.
constexpr Insert inserts[] = {{64, inserting<64>()}, {8, inserting<8>()}, {1, inserting<1>()}};

constexpr db::Sql insert_name =
    "INSERT INTO journal_names (tenant, name, root, at) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, name) DO NOTHING";
constexpr db::Sql root_of =
    "SELECT root FROM (SELECT root, 1 AS rank FROM journal WHERE tenant = $1 AND root = $2 "
    "UNION ALL SELECT root, 2 AS rank FROM journal WHERE tenant = $1 AND event = $2 AND event <> '' "
    "UNION ALL SELECT root, 3 AS rank FROM journal_names WHERE tenant = $1 AND name = $2) AS roots "
    "ORDER BY rank LIMIT 1";
constexpr db::Sql read_page =
    "SELECT root, event, at, pool, what, attempt, detail, id FROM journal WHERE tenant = $1 AND root = $2 "
    "AND (at, id) > ($3, $4) ORDER BY at, id LIMIT $5";
// Rows are numbered as they come, which is nearly the order of their moments. Looking for old ones by moment would cost
// every insert one more index.
constexpr db::Sql remove_first =
    "DELETE FROM journal WHERE id IN (SELECT id FROM (SELECT id, at FROM journal ORDER BY id LIMIT $2) AS first "
    "WHERE at < $1)";
constexpr auto remove_names = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, name FROM journal_names WHERE at < $1 ORDER BY at LIMIT $2",
    ") DELETE FROM journal_names WHERE (tenant, name) IN (SELECT tenant, name FROM taken)">();

db::Statement inserting(db::Sql sql, std::span<JournalEntry> entries) {
  db::Statement statement{sql};
  statement.values.reserve(entries.size() * columns);
  for (auto& entry : entries) {
    if (entry.event == entry.root) entry.event.clear();  // a root's own rows are most of them
    statement.values.emplace_back(std::move(entry.tenant));
    statement.values.emplace_back(std::move(entry.root));
    statement.values.emplace_back(std::move(entry.event));
    statement.values.emplace_back(stored(entry.at));
    statement.values.emplace_back(std::move(entry.pool));
    statement.values.emplace_back(std::move(entry.what));
    statement.values.emplace_back(entry.attempt);
    statement.values.emplace_back(std::move(entry.detail));
  }
  return statement;
}

JournalEntry entry_of(const std::string& tenant, const db::Rows& rows, std::size_t row) {
  return {.tenant = tenant,
          .root = rows.text(row, 0),
          .event = rows.text(row, 1).empty() ? rows.text(row, 0) : rows.text(row, 1),
          .at = moment(rows, row, 2),
          .pool = rows.text(row, 3),
          .what = rows.text(row, 4),
          .attempt = rows.integer(row, 5),
          .detail = rows.text(row, 6)};
}

}  // namespace

std::vector<db::Statement> journal_rows(std::vector<JournalEntry> entries) {
  std::vector<db::Statement> statements;
  std::span<JournalEntry> left{entries};
  for (const auto& insert : inserts) {
    while (left.size() >= insert.rows) {
      statements.push_back(inserting(insert.sql, left.first(insert.rows)));
      left = left.subspan(insert.rows);
    }
  }
  return statements;
}

Task<Done> write_journal(db::Database& database, std::vector<JournalEntry> entries) {
  db::Batch batch;
  batch.statements = journal_rows(std::move(entries));
  return carry_out(database, std::move(batch));
}

db::Statement name_in_journal(const event::Tenant& tenant, std::string name, std::string root, WallTime at) {
  return {insert_name, {tenant.text(), std::move(name), std::move(root), stored(at)}};
}

Task<Result<JournalPage>> read_journal(db::Database& database, event::Tenant tenant, std::string id,
                                       std::optional<JournalPlace> after, std::int64_t rows_max) {
  auto finding = database.read({root_of, {tenant.text(), std::move(id)}});
  const auto root = co_await std::move(finding);
  if (!root) co_return fail(root.error());
  if (root->empty()) co_return JournalPage{};
  const auto place = after.value_or(JournalPlace{WallTime::min(), std::numeric_limits<std::int64_t>::min()});
  JournalPage page{.root = root->text(0, 0), .entries = {}};
  auto reading = database.read({read_page, {tenant.text(), page.root, stored(place.at), place.number, rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  for (std::size_t row = 0; row < rows->size(); ++row) page.entries.push_back(entry_of(tenant.text(), *rows, row));
  if (rows->size() == static_cast<std::size_t>(rows_max))
    page.more = JournalPlace{page.entries.back().at, rows->integer(rows->size() - 1, 7)};
  co_return page;
}

Task<Result<std::int64_t>> forget_journal(db::Database& database, WallTime before, std::int64_t limit) {
  return remove(database, {remove_first, {stored(before), limit}});
}

Task<Result<std::int64_t>> forget_journal_names(db::Database& database, WallTime before, std::int64_t limit) {
  return remove(database, {remove_names, {stored(before), limit}});
}

}  // namespace sluice::store
