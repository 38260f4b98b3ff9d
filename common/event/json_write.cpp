#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "common/event/json.hpp"
#include "common/event/utf8.hpp"

namespace sluice::event {
namespace {

// What a byte becomes inside a text: 0 itself, 'u' the six-character form, else the letter behind a backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (std::size_t control = 0; control < 0x20; ++control) escapes[control] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}
constexpr auto escapes = make_escapes();

class Writer {
 public:
  explicit Writer(JsonLimits limits) : limits_(limits) {}

  // False: `why_` says what rule the value breaks.
  bool value(const Json& value, std::size_t depth);
  Result<std::string> finish() &&;
  Failure why() && { return {.kind = Kind::invalid, .sentence = std::move(why_)}; }

 private:
  bool array(const Json::Array& items, std::size_t depth);
  bool object(const Json::Object& members, std::size_t depth);
  bool text(std::string_view text);
  bool refuse(std::string why) { return why_ = std::move(why), false; }

  JsonLimits limits_;
  std::string out_;
  std::string why_;
};

bool Writer::value(const Json& value, std::size_t depth) {
  if (out_.size() > limits_.bytes_max)
    return refuse(fmt::format("the JSON is larger than {} bytes", limits_.bytes_max));
  if (const auto* members = value.members()) return object(*members, depth + 1);
  if (const auto* items = value.items()) return array(*items, depth + 1);
  if (const auto* string = value.text()) return text(*string);
  if (const auto* number = value.number()) return out_ += number->text(), true;
  const auto boolean = value.boolean();
  out_ += !boolean ? "null" : *boolean ? "true" : "false";
  return true;
}

bool Writer::array(const Json::Array& items, std::size_t depth) {
  if (depth > limits_.depth_max) return refuse(fmt::format("the JSON is nested deeper than {}", limits_.depth_max));
  char before = '[';
  for (const Json& item : items) {
    out_ += std::exchange(before, ',');
    if (!value(item, depth)) return false;
  }
  if (items.empty()) out_ += '[';
  out_ += ']';
  return true;
}

bool Writer::object(const Json::Object& members, std::size_t depth) {
  if (depth > limits_.depth_max) return refuse(fmt::format("the JSON is nested deeper than {}", limits_.depth_max));
  if (repeated_name(members)) return refuse(fmt::format("a name stands twice in the object at byte {}", out_.size()));
  char before = '{';
  for (const Json::Member& member : members) {
    out_ += std::exchange(before, ',');
    if (!text(member.name)) return false;
    out_ += ':';
    if (!value(member.value, depth)) return false;
  }
  if (members.empty()) out_ += '{';
  out_ += '}';
  return true;
}

bool Writer::text(std::string_view text) {
  out_ += '"';
  std::size_t written = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    const char escape = escapes[byte];
    if (escape == 0) [[likely]]
      continue;
    if (byte == 0) return refuse(fmt::format("a NUL character in a text that begins at byte {}", out_.size()));
    out_.append(text, written, at - written);
    written = at + 1;
    out_ += '\\';
    out_ += escape;
    if (escape == 'u') out_ += fmt::format("{:04x}", byte);
  }
  out_.append(text, written);
  out_ += '"';
  return true;
}

// Every text stands between two quotes, so invalid parts of neighbours cannot join into something valid.
Result<std::string> Writer::finish() && {
  if (out_.size() > limits_.bytes_max) {
    return fail(Kind::invalid, fmt::format("the JSON is larger than {} bytes", limits_.bytes_max));
  }
  if (const auto at = first_invalid_utf8(out_)) {
    return fail(Kind::invalid, fmt::format("invalid UTF-8 at byte {} of the JSON", *at));
  }
  return std::move(out_);
}

}  // namespace

Result<std::string> write_json(const Json& value, JsonLimits limits) {
  if (value.members() == nullptr && value.items() == nullptr) {
    return fail(Kind::invalid, "the outermost JSON value is neither an object nor an array");
  }
  Writer writer{limits};
  if (!writer.value(value, 0)) return fail(std::move(writer).why());
  return std::move(writer).finish();
}

}  // namespace sluice::event
