#include "common/db/sqlite_open.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/db/sqlite_statement.hpp"

namespace sluice::db {
namespace {

Result<SqliteFile::Connection> connect(const std::filesystem::path& path, int flags, std::chrono::milliseconds busy) {
  sqlite3* file = nullptr;
  // One thread at a time uses a connection, so SQLite's own locks around it would only cost.
  const int code = sqlite3_open_v2(path.c_str(), &file, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  SqliteFile::Connection connection(file);
  if (code != SQLITE_OK) return fail(failure_of(code, file, fmt::format("opening {}", path.string())));
  sqlite3_busy_timeout(file, static_cast<int>(busy.count()));
  return connection;
}

// A damaged page shows itself where it is read, so each connection looks at the cells of the pages it loads.
constexpr const char* on_every_connection =
    "PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY";

// journal_size_limit: the WAL file is overwritten in place while it stays below it, which spares each commit the
// change of the file's size; only after a flood it shrinks again. wal_autocheckpoint: the writer does it after
// answering, not inside a commit. secure_delete: what was removed is overwritten where its page is written anyway.
constexpr const char* on_the_writer =
    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; "
    "PRAGMA secure_delete=FAST; PRAGMA cache_size=-32768";

Done look_at_both_ends(sqlite3* file, std::string_view table, bool has_rowid) {
  std::string name;
  for (const char letter : table) name += letter == '"' ? std::string{"\"\""} : std::string(1, letter);
  auto text = fmt::format("SELECT 1 FROM \"{}\" NOT INDEXED LIMIT 1", name);
  if (has_rowid) text += fmt::format("; SELECT rowid FROM \"{0}\" NOT INDEXED ORDER BY rowid DESC LIMIT 1", name);
  return execute(file, text);
}

Done look_at_tables(sqlite3* file) {
  StatementCache statements(file);
  std::vector<std::pair<std::string, bool>> tables;
  {
    auto list =
        statements.prepare("SELECT name, wr = 0 FROM pragma_table_list WHERE schema = 'main' AND type = 'table'");
    if (!list) return fail(std::move(list).error());
    while (true) {
      auto stepped = list->step();
      if (!stepped) return fail(std::move(stepped).error());
      if (!*stepped) break;
      tables.emplace_back(list->text(0), list->integer(1) != 0);
    }
  }
  for (const auto& [table, has_rowid] : tables) {
    auto looked = look_at_both_ends(file, table, has_rowid);
    if (!looked) return looked;
  }
  return {};
}

Result<std::int64_t> size_of(sqlite3* file) {
  auto pages = first_text(file, "PRAGMA page_count");
  if (!pages) return fail(std::move(pages).error());
  auto bytes = first_text(file, "PRAGMA page_size");
  if (!bytes) return fail(std::move(bytes).error());
  return std::stoll(*pages) * std::stoll(*bytes);
}

// While several switch a new file at once, SQLite refuses some of them without asking the busy handler: two that
// waited for each other would wait for ever.
Done switch_to_wal(sqlite3* file, std::chrono::milliseconds busy_max) {
  constexpr std::chrono::milliseconds pause{2};
  auto mode = first_text(file, "PRAGMA journal_mode=WAL");
  const auto refused = [&] { return !mode && (sqlite3_errcode(file) & 0xff) == SQLITE_BUSY; };
  for (auto waited = pause; refused() && waited <= busy_max; waited += pause) {
    sqlite3_sleep(static_cast<int>(pause.count()));
    mode = first_text(file, "PRAGMA journal_mode=WAL");
  }
  if (!mode) return fail(std::move(mode).error());
  if (*mode != "wal")
    return fail(Kind::exhausted, fmt::format("the file system cannot hold a write-ahead log (journal mode {})", *mode));
  return {};
}

Done prepare_writer(sqlite3* file, const SqliteLimits& limits) {
  auto layout = execute(file, "PRAGMA auto_vacuum=INCREMENTAL");  // counts only while the file is still empty
  if (!layout) return layout;
  auto journal = switch_to_wal(file, limits.busy_wait_max);
  if (!journal) return journal;
  auto set = execute(file, fmt::format("{}; {}", on_every_connection, on_the_writer));
  if (!set) return set;
  return check_structure(file, limits);
}

}  // namespace

Done execute(sqlite3* file, const std::string& text) {
  const int code = sqlite3_exec(file, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(failure_of(code, file, text));
  return {};
}

Result<std::string> first_text(sqlite3* file, std::string_view text) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(file, text.data(), static_cast<int>(text.size()), &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, detail::Prepared::Finalize> statement(raw);
  if (code == SQLITE_OK) code = sqlite3_step(raw);
  if (code != SQLITE_ROW) return fail(failure_of(code, file, text));
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(raw, 0));
  return std::string(bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(raw, 0)));
}

Result<SqliteFile::Connection> open_writer(const std::filesystem::path& path, const SqliteLimits& limits) {
  auto connection = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, limits.busy_wait_max);
  if (!connection) return connection;
  auto prepared = prepare_writer(connection->get(), limits);
  if (!prepared) return fail(std::move(prepared).error().while_doing(fmt::format("opening {}", path.string())));
  return connection;
}

Result<SqliteFile::Connection> open_reading(const std::filesystem::path& path, const SqliteLimits& limits) {
  auto connection = connect(path, SQLITE_OPEN_READONLY, limits.busy_wait_max);
  if (!connection) return connection;
  auto set = execute(connection->get(), on_every_connection);
  if (!set) return fail(std::move(set).error().while_doing(fmt::format("opening {}", path.string())));
  return connection;
}

Result<SqliteFile::Connection> open_in_memory() {
  auto connection = connect(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, std::chrono::milliseconds{0});
  if (!connection) return connection;
  auto set = execute(connection->get(), on_every_connection);
  if (!set) return fail(std::move(set).error());
  return connection;
}

Done check_structure(sqlite3* file, const SqliteLimits& limits) {
  auto size = size_of(file);
  if (!size) return fail(std::move(size).error());
  if (*size > limits.check_bytes_max) return look_at_tables(file);
  auto found = first_text(file, "PRAGMA quick_check(1)");
  if (!found) return fail(std::move(found).error());
  if (*found != "ok") return fail(failure_of(SQLITE_CORRUPT, nullptr, fmt::format("checking the file ({})", *found)));
  return {};
}

}  // namespace sluice::db
