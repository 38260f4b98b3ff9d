// What is said to a database: statements with $1 parameters, in closed batches that either happen whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::db {

struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

// Null, integer, real, text, bytes. Booleans are the integers 0 and 1; moments are integer milliseconds; in both
// databases.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

// The text of a statement. Only literals can be one, so that no foreign text ever becomes SQL, and the address can key
// a cache of prepared statements. Where the dialects differ both texts stand side by side, in a named function of this
// folder.
class Sql {
 public:
  template <std::size_t size>
  consteval Sql(const char (&text)[size]) : sqlite_(text, size - 1), postgres_(text) {}
  template <std::size_t size, std::size_t other>
  static consteval Sql both(const char (&sqlite)[size], const char (&postgres)[other]) {
    return Sql{std::string_view{sqlite, size - 1}, postgres};
  }

  [[nodiscard]] constexpr std::string_view for_sqlite() const { return sqlite_; }
  [[nodiscard]] constexpr const char* for_postgres() const { return postgres_; }

 private:
  consteval Sql(std::string_view sqlite, const char* postgres) : sqlite_(sqlite), postgres_(postgres) {}
  std::string_view sqlite_;
  const char* postgres_;
};

// How many rows a statement must touch (or return, for a SELECT). Unmet: the whole batch is undone with Kind::conflict.
struct Expect {
  std::int64_t rows_min = 0;
  std::int64_t rows_max = std::numeric_limits<std::int64_t>::max();

  static constexpr Expect any() { return {}; }
  static constexpr Expect exactly(std::int64_t rows) { return {rows, rows}; }
  static constexpr Expect at_least(std::int64_t rows) { return {rows, std::numeric_limits<std::int64_t>::max()}; }
};

struct Statement {
  Sql sql;
  std::vector<Value> values = {};
  Expect expect = Expect::any();
};

struct Batch {
  std::vector<Statement> statements = {};
  std::vector<std::string> notices = {};  // channels whose listeners are called after the commit, in every process
};

// An INSERT of one row. Equal shapes submitted at the same time travel as one statement and each gets its own answer.
struct RowShape {
  std::string_view table;
  std::vector<std::string_view> columns;         // in the order of the values
  std::vector<std::string_view> key;             // a unique index; names the row in the answer
  std::string_view on_conflict = "nothing";      // "nothing", or the SET list of DO UPDATE: "state = excluded.state"
  std::vector<std::string_view> returning = {};  // may be empty
};
struct RowWrite {
  const RowShape* shape;  // of static lifetime
  std::vector<Value> values;
};

// What came back from one statement.
struct Rows {
  std::vector<std::vector<Value>> rows;
  std::int64_t touched = 0;  // rows changed, or returned by a SELECT

  [[nodiscard]] bool empty() const { return rows.empty(); }
  [[nodiscard]] std::size_t size() const { return rows.size(); }
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;      // ENSUREs the type
  [[nodiscard]] double real(std::size_t row, std::size_t column) const;               // takes an integer too
  [[nodiscard]] const std::string& text(std::size_t row, std::size_t column) const;   // ENSUREs the type
  [[nodiscard]] const std::string& bytes(std::size_t row, std::size_t column) const;  // ENSUREs the type
};

}  // namespace sluice::db
