#include "common/db/sqlite_batch.hpp"

#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

namespace sluice::db {
namespace {

Result<Rows> run(SqliteStatement& prepared, std::span<const Value> values, sqlite3* file) {
  int number = 0;
  for (const auto& value : values) prepared.bind(++number, value);
  const auto changed_before = sqlite3_total_changes64(file);
  Rows answer;
  while (true) {
    auto stepped = prepared.step();
    if (!stepped) return fail(std::move(stepped).error());
    if (!*stepped) break;
    auto& row = answer.rows.emplace_back();
    const int columns = prepared.columns();
    row.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) row.push_back(prepared.value(column));
  }
  if (prepared.changes_nothing()) {
    answer.touched = static_cast<std::int64_t>(answer.rows.size());
  } else if (sqlite3_total_changes64(file) != changed_before) {
    answer.touched = sqlite3_changes64(file);  // left as it was by what changes the schema alone
  }
  return answer;
}

Result<Rows> run(StatementCache& statements, std::string_view text, std::span<const Value> values, bool reading) {
  auto prepared = statements.prepare_closed(text);
  if (!prepared) return fail(std::move(prepared).error());
  if (prepared->parameters() != values.size())
    return fail(Kind::ours,
                fmt::format("{}: {} parameters and {} values", text, prepared->parameters(), values.size()));
  if (reading && !prepared->changes_nothing())
    return fail(Kind::ours, fmt::format("{}: it changes something and was given as a read", text));
  return run(*prepared, values, statements.file());
}

Done judge(const Statement& statement, const Rows& rows) {
  const auto& expect = statement.expect;
  if (rows.touched >= expect.rows_min && rows.touched <= expect.rows_max) return {};
  return fail(Kind::conflict, fmt::format("{}: it touched {} rows, which is not what was expected",
                                          statement.sql.for_sqlite(), rows.touched));
}

}  // namespace

Result<std::vector<Rows>> run_batch(StatementCache& statements, const Batch& batch) {
  std::vector<Rows> answers;
  answers.reserve(batch.statements.size());
  for (const auto& statement : batch.statements) {
    auto rows = run(statements, statement.sql.for_sqlite(), statement.values, false);
    if (!rows) return fail(std::move(rows).error());
    auto judged = judge(statement, *rows);
    if (!judged) return fail(std::move(judged).error());
    answers.push_back(std::move(*rows));
  }
  return answers;
}

Result<Rows> run_read(StatementCache& statements, const Statement& statement) {
  auto rows = run(statements, statement.sql.for_sqlite(), statement.values, true);
  if (!rows) return rows;
  auto judged = judge(statement, *rows);
  if (!judged) return fail(std::move(judged).error());
  return rows;
}

bool needs_savepoint(const Batch& batch) {
  if (batch.statements.size() != 1) return !batch.statements.empty();
  const auto& expect = batch.statements.front().expect;
  return expect.rows_min > 0 || expect.rows_max != Expect::any().rows_max;
}

std::string row_text(const RowShape& shape) {
  std::string numbers;
  for (std::size_t number = 1; number <= shape.columns.size(); ++number)
    fmt::format_to(std::back_inserter(numbers), "{}${}", number == 1 ? "" : ", ", number);
  auto text = fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO ", shape.table,
                          fmt::join(shape.columns, ", "), numbers, fmt::join(shape.key, ", "));
  if (shape.on_conflict == "nothing") {
    text += "NOTHING";
  } else {
    fmt::format_to(std::back_inserter(text), "UPDATE SET {}", shape.on_conflict);
  }
  if (!shape.returning.empty())
    fmt::format_to(std::back_inserter(text), " RETURNING {}", fmt::join(shape.returning, ", "));
  return text;
}

Result<Rows> RowWriter::write(const RowWrite& row) {
  auto text = texts_.find(row.shape);
  if (text == texts_.end()) text = texts_.emplace(row.shape, row_text(*row.shape)).first;
  return run(statements_, text->second, row.values, false);
}

}  // namespace sluice::db
