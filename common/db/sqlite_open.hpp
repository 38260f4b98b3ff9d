// Opening an SQLite file: what is set on each connection, and what is looked for before anything is written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/db/sqlite_file.hpp"

namespace sluice::db {

// Creates the file when absent, with the page layout that retention needs (auto_vacuum).
Result<SqliteFile::Connection> open_writer(const std::filesystem::path& path, const SqliteLimits& limits);

// Refuses to change anything.
Result<SqliteFile::Connection> open_reading(const std::filesystem::path& path, const SqliteLimits& limits);

// In memory, for simulations and tests: gone when it is closed.
Result<SqliteFile::Connection> open_in_memory();

// Damage in SQLite's own structure as far as it can be found in bounded time: a file of up to `check_bytes_max` is read
// whole; of a larger one the header, the schema and both ends of each table.
Done check_structure(sqlite3* file, const SqliteLimits& limits);

// Statements without parameters, several in one text; what they return is dropped.
Done execute(sqlite3* file, const std::string& text);

// The first column of the first row, for PRAGMAs.
Result<std::string> first_text(sqlite3* file, std::string_view text);

}  // namespace sluice::db
