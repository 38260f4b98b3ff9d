// Prepared statements of one SQLite connection, for the tables here and for the embedded log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.hpp"
#include "common/db/statement.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::db {

namespace detail {
struct Prepared {
  struct Finalize {
    void operator()(sqlite3_stmt* owned) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement;
  std::string text;
  std::vector<int> places;  // of $1, $2, …: SQLite numbers them in the order in which they first appear
  bool closed = false;      // it was prepared under the rules of a batch
  bool in_use = false;
  std::uint64_t used = 0;  // when it was last taken, in takings
};
}  // namespace detail

// A statement in use; gone, it stands reset in its cache again. Used by one at a time.
//
//   auto insert = cache.prepare("INSERT INTO log_commit (partition_id, metadata) VALUES ($1, $2)");
//   if (!insert) return fail(std::move(insert).error());
//   insert->bind_integer(1, partition);
//   insert->bind_text(2, metadata);
//   auto stepped = insert->step();
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement();

  // By the number of the parameter. Texts and bytes are not copied: they must outlive the last step.
  void bind_null(int number);
  void bind_integer(int number, std::int64_t value);
  void bind_real(int number, double value);
  void bind_text(int number, std::string_view value);
  void bind_bytes(int number, std::string_view value);
  void bind_bytes(int number, std::optional<std::string_view> value);  // none is NULL
  void bind(int number, const Value& value);

  // True: a row stands ready. False: it has ended. A binding that failed is told here too.
  Result<bool> step();
  void reset();  // to run it again, with new values for what is bound anew

  // For statements that return nothing. Undoes its own changes when it fails.
  Done run();

  // Of the row that stands ready; views hold until the next step.
  [[nodiscard]] int columns() const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] Value value(int column) const;  // of the type it is stored with

  [[nodiscard]] std::size_t parameters() const { return prepared_->places.size(); }
  [[nodiscard]] bool changes_nothing() const;

 private:
  friend class StatementCache;
  explicit SqliteStatement(detail::Prepared& prepared) : prepared_(&prepared) {}
  [[nodiscard]] int place_of(int number);
  void remember(int code);

  detail::Prepared* prepared_;
  int bind_code_ = 0;  // the first binding that failed
};

// Keyed by the text. One thread at a time; must go before its connection does.
class StatementCache {
 public:
  explicit StatementCache(sqlite3* file, std::size_t statements_max = 256);
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;
  ~StatementCache();

  // The same text must not be in use already. A wrong text is Kind::ours.
  Result<SqliteStatement> prepare(std::string_view text);

  // For statements of a batch: refuses, as ours, whatever would reach beyond it (BEGIN, COMMIT, SAVEPOINT, ATTACH,
  // PRAGMA).
  Result<SqliteStatement> prepare_closed(std::string_view text);

  [[nodiscard]] std::size_t size() const { return prepared_.size(); }
  [[nodiscard]] sqlite3* file() const { return file_; }

 private:
  Result<SqliteStatement> take(std::string_view text, bool closed);
  Result<std::unique_ptr<detail::Prepared>> compile(std::string_view text, bool closed);
  void make_room();
  static int authorize(void* cache, int action, const char*, const char*, const char*, const char*);

  sqlite3* file_;
  std::size_t statements_max_;
  bool compiling_closed_ = false;
  std::uint64_t takings_ = 0;
  std::unordered_map<std::string_view, std::unique_ptr<detail::Prepared>> prepared_;  // keyed by their own texts
};

}  // namespace sluice::db
