// Values as PostgreSQL takes and gives them. Everything travels as text, but bytes on their way in: the server infers
// each parameter's type from its place in the statement, and the text of a number fits every type of number.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/db/postgres_handles.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {

// The parameters of one command, in the form in which libpq takes them. Refers to the values. May be filled anew.
class PostgresParameters {
 public:
  void fill(std::span<const Value> values);

  [[nodiscard]] int count() const { return static_cast<int>(texts_.size()); }
  [[nodiscard]] const char* const* texts() const { return texts_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }

 private:
  using Digits = std::array<char, 32>;  // the shortest text that gives the same double again has at most 24

  void add(const char* text, std::size_t length, bool binary);

  std::vector<const char*> texts_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<Digits> digits_;
};

// Integers of any width, booleans and whole `numeric`s become int64, other numbers double, `bytea` bytes, `void` null,
// everything else text. Nothing but damage on the way makes it fail.
Result<Value> value_of(Oid type, std::string_view text);

Result<Rows> rows_of(PGresult* result);

// Refuses, as ours, what would reach beyond the batch in which it stands: BEGIN, COMMIT, SET and the like.
Done check_closed(std::string_view text);

// Two keys are equal when these are: a number as integer or as real, whichever way the column keeps it.
std::string key_of(std::span<const Value> values);

}  // namespace sluice::db
