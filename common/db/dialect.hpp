// Where the two dialects differ: one named function for each difference, which holds both texts.
//
//   constexpr auto claim = claiming<"WITH taken AS MATERIALIZED (SELECT id FROM schedule "
//                                   "WHERE owner IS NULL AND due <= $2 ORDER BY due LIMIT $3",
//                                   ") UPDATE schedule SET owner = $1 WHERE id IN (SELECT id FROM taken) "
//                                   "RETURNING id, body">();
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/db/statement.hpp"

namespace sluice::db {

namespace detail {

template <std::size_t size>
struct Literal {
  consteval Literal(const char (&text)[size]) {
    std::copy_n(text, size, bytes);
  }  // NOLINT(google-explicit-constructor)
  char bytes[size]{};
};

template <std::size_t... sizes>
consteval auto join(const Literal<sizes>&... parts) {
  constexpr std::size_t length = ((sizes - 1) + ...);
  char joined[length + 1]{};
  char* end = joined;
  ((end = std::copy_n(parts.bytes, sizes - 1, end)), ...);
  return Literal<length + 1>(joined);
}

// Holds the text for as long as the program runs, as a literal is held.
template <Literal... parts>
struct Joined {
  static constexpr auto text = join(parts...);
};

}  // namespace detail

// What several statements share, and a statement that is put together from such pieces:
//
//   constexpr auto columns = piece<"id, name, amount">;
//   constexpr auto find = joined<"SELECT ", columns, " FROM items WHERE id = $1">();
template <detail::Literal... parts>
inline constexpr auto piece = detail::join(parts...);

template <detail::Literal... pieces>
consteval Sql joined() {
  return {detail::Joined<pieces...>::text.bytes};
}

// Takes rows that nobody else is just taking; what others hold is passed over, not waited for. `before` ends inside the
// SELECT that chooses the rows, after its LIMIT; `after` begins with the bracket that ends it. The SELECT belongs into
// a WITH … AS MATERIALIZED: PostgreSQL may run a subselect several times, and passes over what it took the first time.
template <detail::Literal before, detail::Literal after>
consteval Sql claiming() {
  return Sql::both(detail::Joined<before, after>::text.bytes,
                   detail::Joined<before, " FOR UPDATE SKIP LOCKED", after>::text.bytes);
}

// A SELECT inside a batch whose rows nobody else changes before the batch has ended. SQLite has one writer, so nobody
// could.
template <detail::Literal select>
consteval Sql locking() {
  return Sql::both(detail::Joined<select>::text.bytes, detail::Joined<select, " FOR UPDATE">::text.bytes);
}

// A CREATE TABLE with a column that numbers the rows in the order in which they are inserted: `before` ends with its
// name, `after` begins with the comma behind it.
template <detail::Literal before, detail::Literal after>
consteval Sql numbering() {
  return Sql::both(detail::Joined<before, " integer PRIMARY KEY", after>::text.bytes,
                   detail::Joined<before, " bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", after>::text.bytes);
}

// Only one batch of all processes is past this statement at a time. On SQLite that holds of every batch.
consteval Sql one_migration_at_a_time() {
  return Sql::both("SELECT 1", "SELECT 1 FROM pg_advisory_xact_lock(5496251370178)");
}

// One row with 1 when the table named $1 is there, with 0 otherwise.
consteval Sql table_exists() {
  return Sql::both("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
                   "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1");
}

}  // namespace sluice::db
