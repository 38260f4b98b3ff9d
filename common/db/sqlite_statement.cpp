#include "common/db/sqlite_statement.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/base/ensure.hpp"
#include "common/db/sqlite_file.hpp"

namespace sluice::db {
namespace {

// The number of "$12", 0 for a name that is none of ours.
std::size_t number_of(const char* name) {
  if (name == nullptr || *name != '$') return 0;
  const std::string_view digits(name + 1);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size() ? number : 0;
}

// Where $1, $2, … stand; empty-handed when a number is missing or a parameter is no number.
std::optional<std::vector<int>> places_of(sqlite3_stmt* statement) {
  const int count = sqlite3_bind_parameter_count(statement);
  std::vector<int> places(static_cast<std::size_t>(count), 0);
  for (int place = 1; place <= count; ++place) {
    const auto number = number_of(sqlite3_bind_parameter_name(statement, place));
    if (number == 0 || number > places.size()) return std::nullopt;
    places[number - 1] = place;
  }
  return places;
}

bool only_space(std::string_view text) {
  return text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

}  // namespace

void detail::Prepared::Finalize::operator()(sqlite3_stmt* owned) const {
  sqlite3_finalize(owned);
}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : prepared_(std::exchange(other.prepared_, nullptr)), bind_code_(other.bind_code_) {}

SqliteStatement::~SqliteStatement() {
  if (prepared_ == nullptr) return;
  sqlite3_reset(prepared_->statement.get());
  sqlite3_clear_bindings(prepared_->statement.get());
  prepared_->in_use = false;
}

int SqliteStatement::place_of(int number) {
  ENSURE(number >= 1 && static_cast<std::size_t>(number) <= prepared_->places.size(),
         "a parameter was bound that the statement does not have");
  return prepared_->places[static_cast<std::size_t>(number) - 1];
}

void SqliteStatement::remember(int code) {
  if (code != SQLITE_OK && bind_code_ == SQLITE_OK) bind_code_ = code;
}

void SqliteStatement::bind_null(int number) {
  remember(sqlite3_bind_null(prepared_->statement.get(), place_of(number)));
}

void SqliteStatement::bind_integer(int number, std::int64_t value) {
  remember(sqlite3_bind_int64(prepared_->statement.get(), place_of(number), value));
}

void SqliteStatement::bind_real(int number, double value) {
  remember(sqlite3_bind_double(prepared_->statement.get(), place_of(number), value));
}

void SqliteStatement::bind_text(int number, std::string_view value) {
  const char* bytes = value.data() == nullptr ? "" : value.data();  // a null pointer would be NULL
  remember(sqlite3_bind_text64(prepared_->statement.get(), place_of(number), bytes, value.size(), SQLITE_STATIC,
                               SQLITE_UTF8));
}

void SqliteStatement::bind_bytes(int number, std::string_view value) {
  const char* bytes = value.data() == nullptr ? "" : value.data();
  remember(sqlite3_bind_blob64(prepared_->statement.get(), place_of(number), bytes, value.size(), SQLITE_STATIC));
}

void SqliteStatement::bind_bytes(int number, std::optional<std::string_view> value) {
  if (value) {
    bind_bytes(number, *value);
  } else {
    bind_null(number);
  }
}

void SqliteStatement::bind(int number, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return bind_integer(number, *integer);
  if (const auto* text = std::get_if<std::string>(&value)) return bind_text(number, *text);
  if (const auto* blob = std::get_if<Blob>(&value)) return bind_bytes(number, std::string_view{blob->bytes});
  if (const auto* real = std::get_if<double>(&value)) return bind_real(number, *real);
  bind_null(number);
}

Result<bool> SqliteStatement::step() {
  auto* statement = prepared_->statement.get();
  const int code = bind_code_ != SQLITE_OK ? bind_code_ : sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto failure = failure_of(code, sqlite3_db_handle(statement), prepared_->text);
  sqlite3_reset(statement);
  return fail(std::move(failure));
}

void SqliteStatement::reset() {
  sqlite3_reset(prepared_->statement.get());
  bind_code_ = SQLITE_OK;
}

Done SqliteStatement::run() {
  auto stepped = step();
  if (!stepped) return fail(std::move(stepped).error());
  ENSURE(!*stepped, "a statement that should return nothing returned a row");
  sqlite3_reset(prepared_->statement.get());
  return {};
}

int SqliteStatement::columns() const {
  return sqlite3_column_count(prepared_->statement.get());
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(prepared_->statement.get(), column) == SQLITE_NULL;
}

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(prepared_->statement.get(), column);
}

double SqliteStatement::real(int column) const {
  return sqlite3_column_double(prepared_->statement.get(), column);
}

std::string_view SqliteStatement::text(int column) const {
  return bytes(column);
}

std::string_view SqliteStatement::bytes(int column) const {
  auto* statement = prepared_->statement.get();
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

Value SqliteStatement::value(int column) const {
  switch (sqlite3_column_type(prepared_->statement.get(), column)) {
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return real(column);
    case SQLITE_TEXT:
      return std::string{text(column)};
    case SQLITE_BLOB:
      return Blob{std::string{bytes(column)}};
    default:
      return std::monostate{};
  }
}

bool SqliteStatement::changes_nothing() const {
  return sqlite3_stmt_readonly(prepared_->statement.get()) != 0;
}

StatementCache::StatementCache(sqlite3* file, std::size_t statements_max)
    : file_(file), statements_max_(statements_max) {
  sqlite3_set_authorizer(file_, &StatementCache::authorize, this);
}

StatementCache::~StatementCache() {
  sqlite3_set_authorizer(file_, nullptr, nullptr);
}

int StatementCache::authorize(void* cache, int action, const char* /*first*/, const char* /*second*/,
                              const char* /*database*/, const char* /*by*/) {
  if (!static_cast<StatementCache*>(cache)->compiling_closed_) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
      return SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

Result<SqliteStatement> StatementCache::prepare(std::string_view text) {
  return take(text, false);
}

Result<SqliteStatement> StatementCache::prepare_closed(std::string_view text) {
  return take(text, true);
}

Result<SqliteStatement> StatementCache::take(std::string_view text, bool closed) {
  auto found = prepared_.find(text);
  if (found != prepared_.end()) ENSURE(!found->second->in_use, "a prepared statement is used by one at a time");
  if (found != prepared_.end() && closed && !found->second->closed) {
    prepared_.erase(found);
    found = prepared_.end();
  }
  if (found == prepared_.end()) {
    auto compiled = compile(text, closed);
    if (!compiled) return fail(std::move(compiled).error());
    make_room();
    const std::string_view key = (*compiled)->text;
    found = prepared_.emplace(key, std::move(*compiled)).first;
  }
  auto& prepared = *found->second;
  prepared.in_use = true;
  prepared.used = ++takings_;
  return SqliteStatement{prepared};
}

Result<std::unique_ptr<detail::Prepared>> StatementCache::compile(std::string_view text, bool closed) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  compiling_closed_ = closed;
  const int code = sqlite3_prepare_v3(file_, text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, &tail);
  compiling_closed_ = false;
  auto prepared = std::make_unique<detail::Prepared>();
  prepared->statement.reset(statement);
  if (code == SQLITE_AUTH) return fail(Kind::ours, fmt::format("{}: no part of a batch", text));
  if (code != SQLITE_OK) return fail(failure_of(code, file_, text));
  if (statement == nullptr) return fail(Kind::ours, "an empty statement");
  if (!only_space(std::string_view{tail, text.data() + text.size()}))
    return fail(Kind::ours, fmt::format("{}: more than one statement in one text", text));
  auto places = places_of(statement);
  if (!places) return fail(Kind::ours, fmt::format("{}: parameters are $1, $2 and so on without a gap", text));
  prepared->places = std::move(*places);
  prepared->text = text;
  prepared->closed = closed;
  return prepared;
}

// Looks through all of them, which happens only when a new text comes to a full cache.
void StatementCache::make_room() {
  while (prepared_.size() >= statements_max_) {
    auto oldest = prepared_.end();
    for (auto each = prepared_.begin(); each != prepared_.end(); ++each) {
      if (each->second->in_use) continue;
      if (oldest == prepared_.end() || each->second->used < oldest->second->used) oldest = each;
    }
    if (oldest == prepared_.end()) return;
    prepared_.erase(oldest);
  }
}

}  // namespace sluice::db
