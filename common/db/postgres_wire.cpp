#include "common/db/postgres_wire.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/base/ensure.hpp"

namespace sluice::db {
namespace {

// From the server's catalogue; they never change.
namespace type {
constexpr Oid boolean = 16;
constexpr Oid bytes = 17;
constexpr Oid int8 = 20;
constexpr Oid int2 = 21;
constexpr Oid int4 = 23;
constexpr Oid oid = 26;
constexpr Oid float4 = 700;
constexpr Oid float8 = 701;
constexpr Oid numeric = 1700;
constexpr Oid nothing = 2278;
}  // namespace type

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

int nibble_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

std::optional<Value> bytes_of_hex(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return std::nullopt;
  text.remove_prefix(2);
  Blob blob;
  blob.bytes.resize(text.size() / 2);
  for (std::size_t place = 0; place < blob.bytes.size(); ++place) {
    const int high = nibble_of(text[2 * place]);
    const int low = nibble_of(text[2 * place + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    blob.bytes[place] = static_cast<char>(high * 16 + low);
  }
  return blob;
}

template <class Number>
std::optional<Value> as_value(std::optional<Number> number) {
  if (!number) return std::nullopt;
  return Value{*number};
}

std::optional<Value> parse(Oid type, std::string_view text) {
  switch (type) {
    case type::boolean:
      return Value{std::int64_t{text == "t"}};
    case type::int8:
    case type::int4:
    case type::int2:
    case type::oid:
      return as_value(number_of<std::int64_t>(text));
    case type::float8:
    case type::float4:
      return as_value(number_of<double>(text));
    case type::numeric:
      if (const auto whole = number_of<std::int64_t>(text)) return Value{*whole};
      return as_value(number_of<double>(text));
    case type::bytes:
      return bytes_of_hex(text);
    case type::nothing:
      return Value{};
    default:
      return Value{std::string{text}};
  }
}

void add_number(std::string& key, const Value& value) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  const double real = whole == nullptr ? std::get<double>(value) : 0;
  constexpr double integers_below = 9007199254740992.0;  // up to here a double holds every integer
  if (whole != nullptr) {
    fmt::format_to(std::back_inserter(key), "n{};", *whole);
  } else if (std::trunc(real) == real && std::abs(real) < integers_below) {
    fmt::format_to(std::back_inserter(key), "n{};", static_cast<std::int64_t>(real));
  } else {
    fmt::format_to(std::back_inserter(key), "n{};", real);
  }
}

}  // namespace

void PostgresParameters::add(const char* text, std::size_t length, bool binary) {
  ENSURE(length <= static_cast<std::size_t>(std::numeric_limits<int>::max()), "a value has at most 2 GB");
  texts_.push_back(text);
  lengths_.push_back(static_cast<int>(length));
  formats_.push_back(binary ? 1 : 0);
}

void PostgresParameters::fill(std::span<const Value> values) {
  texts_.clear();
  lengths_.clear();
  formats_.clear();
  digits_.resize(values.size());
  for (std::size_t place = 0; place < values.size(); ++place) {
    auto& digits = digits_[place];
    if (const auto* whole = std::get_if<std::int64_t>(&values[place])) {
      *std::to_chars(digits.begin(), digits.end() - 1, *whole).ptr = '\0';
      add(digits.data(), 0, false);
    } else if (const auto* real = std::get_if<double>(&values[place])) {
      *std::to_chars(digits.begin(), digits.end() - 1, *real).ptr = '\0';
      add(digits.data(), 0, false);
    } else if (const auto* text = std::get_if<std::string>(&values[place])) {
      add(text->c_str(), 0, false);  // libpq takes the length of a text from its final NUL
    } else if (const auto* blob = std::get_if<Blob>(&values[place])) {
      add(blob->bytes.c_str(), blob->bytes.size(), true);
    } else {
      add(nullptr, 0, false);
    }
  }
}

Result<Value> value_of(Oid type, std::string_view text) {
  auto value = parse(type, text);
  if (!value) return fail(Kind::corrupt, fmt::format("PostgreSQL gave a value of type {} that is none", type));
  return std::move(*value);
}

Result<Rows> rows_of(PGresult* result) {
  Rows answer;
  const int rows = PQntuples(result);
  const int columns = PQnfields(result);
  answer.rows.resize(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    auto& values = answer.rows[static_cast<std::size_t>(row)];
    values.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column) != 0) {
        values.emplace_back();
        continue;
      }
      const auto length = static_cast<std::size_t>(PQgetlength(result, row, column));
      auto value = value_of(PQftype(result, column), {PQgetvalue(result, row, column), length});
      if (!value) return fail(std::move(value).error());
      values.push_back(std::move(*value));
    }
  }
  // Empty for what neither changes nor returns rows.
  answer.touched = number_of<std::int64_t>(PQcmdTuples(result)).value_or(0);
  return answer;
}

Done check_closed(std::string_view text) {
  constexpr std::array<std::string_view, 16> beyond{
      "ABORT",   "BEGIN",   "COMMIT", "COPY",     "DEALLOCATE", "DISCARD", "END",   "LISTEN",
      "PREPARE", "RELEASE", "RESET",  "ROLLBACK", "SAVEPOINT",  "SET",     "START", "UNLISTEN"};
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto* const begin = std::find_if(text.begin(), text.end(), is_letter);
  const auto* const end = std::find_if_not(begin, text.end(), is_letter);
  std::array<char, 10> word{};
  if (static_cast<std::size_t>(end - begin) > word.size()) return {};
  const auto* const word_end =
      std::transform(begin, end, word.begin(), [](char c) { return static_cast<char>(c & ~0x20); });
  const std::string_view first{word.data(), static_cast<std::size_t>(word_end - word.begin())};
  if (std::find(beyond.begin(), beyond.end(), first) == beyond.end()) return {};
  return fail(Kind::ours, fmt::format("{}: a statement of a batch must not reach beyond it", text));
}

std::string key_of(std::span<const Value> values) {
  std::string key;
  for (const auto& value : values) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      fmt::format_to(std::back_inserter(key), "t{};{}", text->size(), *text);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      fmt::format_to(std::back_inserter(key), "b{};{}", blob->bytes.size(), blob->bytes);
    } else if (std::holds_alternative<std::monostate>(value)) {
      key += '0';
    } else {
      add_number(key, value);
    }
  }
  return key;
}

}  // namespace sluice::db
