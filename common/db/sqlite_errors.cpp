// The one place where SQLite's result codes are read.
#include <cerrno>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/db/sqlite_file.hpp"

namespace sluice::db {
namespace {

struct Meaning {
  Kind kind;
  std::string_view sentence;
};

constexpr std::string_view damaged =
    "the file is damaged: stop, keep a copy of it and bring back a backup with `sluice restore`";

Meaning meaning_of_io_error(int code) {
  if (code == SQLITE_IOERR_CORRUPTFS) return {Kind::corrupt, damaged};
  if (code == SQLITE_IOERR_NOMEM) return {Kind::exhausted, "there is no memory left"};
  return {Kind::exhausted, "the disk is full or failing: make room or look into the system's log"};
}

Meaning meaning_of_open(int system_error) {
  if (system_error == EACCES || system_error == EPERM || system_error == EROFS)
    return {Kind::exhausted, "the file or its folder is read-only for this user: give it the right to write there"};
  return {Kind::unavailable, "the file cannot be opened: look whether its folder exists"};
}

Meaning meaning_of(int code, sqlite3* file) {
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      return {Kind::conflict, "a constraint says no"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {Kind::unavailable, "another process holds the file"};
    case SQLITE_FULL:
      return {Kind::exhausted, "the disk is full: make room"};
    case SQLITE_IOERR:
      return meaning_of_io_error(code);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Kind::exhausted,
              "the file, its folder or the disk is read-only: give this user the right to write there"};
    case SQLITE_CANTOPEN:
      return meaning_of_open(file == nullptr ? 0 : sqlite3_system_errno(file));
    case SQLITE_NOMEM:
      return {Kind::exhausted, "there is no memory left"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Kind::corrupt, damaged};
    case SQLITE_TOOBIG:
      return {Kind::invalid, "a value or a statement is too large"};
    case SQLITE_INTERRUPT:
      return {Kind::stopping, "it was interrupted"};
    default:
      return {Kind::ours, "the statement is wrong"};
  }
}

}  // namespace

Failure failure_of(int code, sqlite3* file, std::string_view doing) {
  const int extended = file != nullptr && sqlite3_errcode(file) == code ? sqlite3_extended_errcode(file) : code;
  const auto meaning = meaning_of(extended, file);
  const std::string_view detail =
      file != nullptr && sqlite3_errcode(file) == code ? sqlite3_errmsg(file) : sqlite3_errstr(extended);
  return {meaning.kind, fmt::format("{}: {} (SQLite: {}, code {})", doing, meaning.sentence, detail, extended)};
}

}  // namespace sluice::db
