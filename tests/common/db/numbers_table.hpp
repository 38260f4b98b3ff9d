// A table of one column, and what writes to it.
#pragma once

#include <cstdint>

#include "common/db/database.hpp"

namespace sluice::db {

inline const RowShape shape{.table = "t", .columns = {"n"}, .key = {"n"}, .returning = {"n"}};

inline Batch insert(std::int64_t n) {
  Batch batch;
  batch.statements.push_back({"INSERT INTO t (n) VALUES ($1)", {n}});
  return batch;
}

}  // namespace sluice::db
