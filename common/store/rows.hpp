// What every repository says to a database and reads from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"

namespace sluice::store {

// Moments are stored as milliseconds since 1970.
inline std::int64_t stored(WallTime at) {
  return at.time_since_epoch().count();
}
inline WallTime moment(std::int64_t milliseconds) {
  return WallTime{std::chrono::milliseconds{milliseconds}};
}
inline WallTime moment(const db::Rows& rows, std::size_t row, std::size_t column) {
  return moment(rows.integer(row, column));
}
inline std::optional<WallTime> moment_or_none(const db::Rows& rows, std::size_t row, std::size_t column) {
  if (rows.is_null(row, column)) return std::nullopt;
  return moment(rows, row, column);
}

// A statement as a batch of its own.
db::Batch batch_of(db::Statement statement);
Task<Result<db::Rows>> run(db::Database& database, db::Statement statement);

// For batches whose rows say nothing more.
Task<Done> carry_out(db::Database& database, db::Batch batch);

// For a DELETE: how many rows are gone.
Task<Result<std::int64_t>> remove(db::Database& database, db::Statement statement);

}  // namespace sluice::store
