// JSON as this project reads and writes it: one value type, one reader, one writer.
//
// Stated answers, each tested:
//  - text is valid UTF-8 without NUL; invalid bytes, \u0000 and lone surrogates are refused with their position;
//  - a number keeps the text it was written with, so 1e400 and 30 digits survive a round trip;
//  - members keep their order; a name that stands twice in one object is refused with its position;
//  - the outermost value is an object or an array; what follows it, a byte order mark and an empty text are refused;
//  - what write_json accepts, parse_json reads back as an equal value, and the other way round.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.hpp"

namespace sluice::event {

class Json {
 public:
  // Keeps the text it was written with.
  class Number {
   public:
    explicit Number(std::int64_t value);
    explicit Number(std::uint64_t value);
    static std::optional<Number> parse(std::string_view text);  // none when it isn't JSON's grammar

    [[nodiscard]] const std::string& text() const { return text_; }
    bool operator==(const Number&) const = default;

   private:
    explicit Number(std::string text) : text_(std::move(text)) {}
    std::string text_;
  };

  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t);
  Json(std::same_as<bool> auto value);
  Json(std::signed_integral auto value);
  Json(std::unsigned_integral auto value)
    requires(!std::same_as<decltype(value), bool>);
  Json(double value);  // finite: JSON knows no other number
  Json(const char* text);
  Json(std::string_view text);
  Json(std::string text);
  Json(Number number);
  Json(Array items);
  Json(Object members);
  static Json object(std::initializer_list<Member> members);  // no name twice

  [[nodiscard]] bool is_null() const { return value_.index() == 0; }

  // What it holds, or nothing when it holds something else.
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;  // none also for 1.0, 1e3 and what 64 bits can't hold
  [[nodiscard]] std::optional<double> real() const;           // none also for what a double can't hold, as 1e400
  [[nodiscard]] const Number* number() const { return std::get_if<Number>(&value_); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const Array* items() const { return std::get_if<Array>(&value_); }
  [[nodiscard]] const Object* members() const { return std::get_if<Object>(&value_); }
  [[nodiscard]] std::string* text() { return std::get_if<std::string>(&value_); }
  [[nodiscard]] Array* items() { return std::get_if<Array>(&value_); }
  [[nodiscard]] Object* members() { return std::get_if<Object>(&value_); }

  [[nodiscard]] const Json* find(std::string_view name) const;  // null when this is no object or has no such member
  [[nodiscard]] Json* find(std::string_view name);
  Json& set(std::string_view name, Json value);  // of an object: replaces in place, else appends

  bool operator==(const Json& other) const;  // order of members and text of numbers count

 private:
  std::variant<std::nullptr_t, bool, Number, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string name;
  Json value;

  bool operator==(const Member&) const = default;
};

// Only here a member is a complete type, and with it the vector of them.
inline Json::Json(std::nullptr_t) {}
Json::Json(std::same_as<bool> auto value) : value_(value) {}
Json::Json(std::signed_integral auto value) : Json(Number{std::int64_t{value}}) {}
Json::Json(std::unsigned_integral auto value)
  requires(!std::same_as<decltype(value), bool>)
    : Json(Number{std::uint64_t{value}}) {}
inline Json::Json(const char* text) : value_(std::string{text}) {}
inline Json::Json(std::string_view text) : value_(std::string{text}) {}
inline Json::Json(std::string text) : value_(std::move(text)) {}
inline Json::Json(Number number) : value_(std::move(number)) {}
inline Json::Json(Array items) : value_(std::move(items)) {}
inline Json::Json(Object members) : value_(std::move(members)) {}

struct JsonLimits {
  std::size_t bytes_max = 2'000'000;
  std::size_t depth_max = 64;  // objects and arrays around a value, the outermost counted
};

// Kind::corrupt; the sentence says what and at which byte, never any of the text.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

// One line without spaces. Kind::invalid when the value breaks one of the rules above.
Result<std::string> write_json(const Json& value, JsonLimits limits = {});

// The index of the first member whose name stands before it already.
std::optional<std::size_t> repeated_name(const Json::Object& members);

}  // namespace sluice::event
