#include "common/base/ensure.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {
namespace {

const Value& value_at(const std::vector<std::vector<Value>>& rows, std::size_t row, std::size_t column) {
  ENSURE(row < rows.size(), "a row that the answer does not have was read");
  ENSURE(column < rows[row].size(), "a column that the answer does not have was read");
  return rows[row][column];
}

}  // namespace

bool Rows::is_null(std::size_t row, std::size_t column) const {
  return std::holds_alternative<std::monostate>(value_at(rows, row, column));
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  const auto* value = std::get_if<std::int64_t>(&value_at(rows, row, column));
  ENSURE(value != nullptr, "a column was read as an integer and is none");
  return *value;
}

double Rows::real(std::size_t row, std::size_t column) const {
  const auto& value = value_at(rows, row, column);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  const auto* real = std::get_if<double>(&value);
  ENSURE(real != nullptr, "a column was read as a number and is none");
  return *real;
}

const std::string& Rows::text(std::size_t row, std::size_t column) const {
  const auto* value = std::get_if<std::string>(&value_at(rows, row, column));
  ENSURE(value != nullptr, "a column was read as text and is none");
  return *value;
}

const std::string& Rows::bytes(std::size_t row, std::size_t column) const {
  const auto* value = std::get_if<Blob>(&value_at(rows, row, column));
  ENSURE(value != nullptr, "a column was read as bytes and is none");
  return value->bytes;
}

}  // namespace sluice::db
