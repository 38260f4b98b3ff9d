// A table of items, and the batches that most tests of PostgreSQL write into it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/common/db/postgres_support.hpp"

namespace sluice::db {

using Answer = Result<std::vector<Rows>>;

inline Batch one(Statement statement) {
  return {.statements = {std::move(statement)}};
}
inline Batch insert(std::int64_t id) {
  return one({"INSERT INTO item (id) VALUES ($1)", {Value{id}}});
}
inline PostgresSettings one_connection() {
  return {.connections_max = 1};
}

struct ItemWorld : PostgresWorld {
  explicit ItemWorld(PostgresSettings settings = {}) : PostgresWorld(std::move(settings)) {
    admin.ask("CREATE TABLE item (id bigint PRIMARY KEY, name text, CHECK (id < 1000000))");
  }
  std::string count() { return admin.ask_one("SELECT count(*) FROM item"); }
  std::string connections() {
    return admin.ask_one("SELECT count(*) FROM pg_stat_activity WHERE application_name = current_schema");
  }
};

}  // namespace sluice::db
