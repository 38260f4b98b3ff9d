// The structure is simdjson's on-demand parser, which also proves the whole text to be UTF-8 and every string closed.
// Texts and numbers are taken from the raw bytes here, so that positions are exact and nothing of them is lost.
#include <charconv>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

#include "common/event/json.hpp"
#include "common/event/utf8.hpp"

namespace sluice::event {
namespace {

namespace ondemand = simdjson::ondemand;

// Kept from call to call up to this size: a parser costs nine bytes per byte of text.
constexpr std::size_t scratch_kept_bytes_max = std::size_t{256} << 10U;

struct Scratch {
  ondemand::parser parser;
  std::string padded;
};

class Reader {
 public:
  Reader(std::string_view text, JsonLimits limits) : text_(text), limits_(limits) {}

  Result<Json> document(ondemand::parser& parser);

 private:
  Result<void> value(ondemand::value value, Json& out, std::size_t depth);
  Result<void> array(simdjson::simdjson_result<ondemand::array> items, Json& out, std::size_t depth);
  Result<void> object(simdjson::simdjson_result<ondemand::object> members, Json& out, std::size_t depth);
  Result<void> scalar(std::string_view token, Json& out) const;
  Result<void> text(const char* at, std::string& out) const;
  Result<const char*> escape(const char* at, std::string& out) const;
  Result<const char*> code_point(const char* at, std::string& out) const;

  [[nodiscard]] std::size_t position(const char* at) const { return static_cast<std::size_t>(at - text_.data()); }
  [[nodiscard]] tl::unexpected<Failure> refuse(std::string_view what, const char* at) const {
    return fail(Kind::corrupt, fmt::format("{} at byte {}", what, position(at)));
  }
  [[nodiscard]] tl::unexpected<Failure> malformed() { return refuse("malformed JSON", where()); }
  [[nodiscard]] tl::unexpected<Failure> unscannable(simdjson::error_code error) const;
  [[nodiscard]] const char* where();

  std::string_view text_;  // followed by simdjson's padding, all zero
  JsonLimits limits_;
  ondemand::document document_;
  std::vector<std::size_t> name_positions_;  // of the objects that are being read, innermost last
};

// Where the structural walk stands; the end of the text when it ran off it.
const char* Reader::where() {
  const char* at = nullptr;
  const bool inside = document_.current_location().get(at) == simdjson::SUCCESS;
  return inside ? std::min(at, text_.data() + text_.size()) : text_.data() + text_.size();
}

// What the first pass over the bytes refuses, before any structure is known.
tl::unexpected<Failure> Reader::unscannable(simdjson::error_code error) const {
  if (const auto at = first_invalid_utf8(text_)) return refuse("invalid UTF-8", text_.data() + *at);
  const char* opened = nullptr;
  for (const char* at = text_.data(); at < text_.data() + text_.size(); ++at) {
    if (opened != nullptr && *at == '\\') {
      ++at;
    } else if (*at == '"') {
      opened = opened == nullptr ? at : nullptr;
    } else if (opened != nullptr && static_cast<unsigned char>(*at) < 0x20) {
      return refuse("a control character in a text", at);
    }
  }
  if (opened != nullptr) return refuse("a text without end", opened);
  return fail(Kind::corrupt, fmt::format("malformed JSON: {}", simdjson::error_message(error)));
}

Result<Json> Reader::document(ondemand::parser& parser) {
  const simdjson::padded_string_view padded{text_, text_.size() + simdjson::SIMDJSON_PADDING};
  if (const auto error = parser.iterate(padded).get(document_)) {
    return unscannable(error);
  }
  Json root;
  const char first = *where();
  Result<void> read = refuse("neither an object nor an array", where());
  if (first == '{') read = object(document_.get_object(), root, 1);
  if (first == '[') read = array(document_.get_array(), root, 1);
  if (!read) return fail(std::move(read.error()));
  if (const char* after = nullptr; document_.current_location().get(after) == simdjson::SUCCESS) {
    return refuse("something after the end of the JSON", after);
  }
  return root;
}

// `depth` counts the objects and arrays around the value.
Result<void> Reader::value(ondemand::value value, Json& out, std::size_t depth) {
  const std::string_view token = value.raw_json_token();
  const char* begin = token.data();
  const char first = token.empty() ? '\0' : *begin;
  if (first == '"') {
    ondemand::raw_json_string raw;
    if (value.get_raw_json_string().get(raw)) return malformed();
    std::string string;
    if (auto read = text(raw.raw(), string); !read) return read;
    out = std::move(string);
    return {};
  }
  if (first != '{' && first != '[') return scalar(token, out);  // left to the iteration to step over
  if (depth == limits_.depth_max) return refuse(fmt::format("JSON nested deeper than {}", depth), begin);
  return first == '{' ? object(value.get_object(), out, depth + 1) : array(value.get_array(), out, depth + 1);
}

Result<void> Reader::array(simdjson::simdjson_result<ondemand::array> items, Json& out, std::size_t depth) {
  if (items.error()) return malformed();
  Json::Array all;
  for (auto item : items) {
    ondemand::value found;
    if (std::move(item).get(found)) return malformed();
    if (auto read = value(found, all.emplace_back(), depth); !read) return read;
  }
  out = std::move(all);
  return {};
}

Result<void> Reader::object(simdjson::simdjson_result<ondemand::object> members, Json& out, std::size_t depth) {
  if (members.error()) return malformed();
  Json::Object all;
  const std::size_t outer_names = name_positions_.size();
  for (auto member : members) {
    ondemand::field field;
    if (std::move(member).get(field)) return malformed();
    const char* name = field.key().raw();
    name_positions_.push_back(position(name) - 1);
    auto& added = all.emplace_back();
    if (auto read = text(name, added.name); !read) return read;
    if (auto read = value(field.value(), added.value, depth); !read) return read;
  }
  if (const auto again = repeated_name(all)) {
    return refuse("a name stands twice in one object", text_.data() + name_positions_[outer_names + *again]);
  }
  name_positions_.resize(outer_names);
  out = std::move(all);
  return {};
}

Result<void> Reader::scalar(std::string_view token, Json& out) const {
  const char* begin = token.data();
  token = token.substr(0, token.find_last_not_of(" \t\n\r") + 1);
  if (token == "true" || token == "false") {
    out = token == "true";
  } else if (auto number = Json::Number::parse(token)) {
    out = std::move(*number);
  } else if (token != "null") {
    return refuse("malformed JSON", begin);
  }
  return {};
}

// `at` stands behind the opening quote of a string that the scan has proved to be closed.
Result<void> Reader::text(const char* at, std::string& out) const {
  const char* end = text_.data() + text_.size();
  const char* quote = nullptr;
  while (true) {
    if (quote < at) quote = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (quote == nullptr) return refuse("a text without end", at);
    const auto* backslash = static_cast<const char*>(std::memchr(at, '\\', static_cast<std::size_t>(quote - at)));
    out.append(at, backslash != nullptr ? backslash : quote);
    if (backslash == nullptr) return {};
    const auto after = escape(backslash, out);
    if (!after) return fail(after.error());
    at = *after;
  }
}

// `at` stands at the backslash; the answer is what follows the escape. The padding makes every look ahead safe.
Result<const char*> Reader::escape(const char* at, std::string& out) const {
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  if (at[1] == 'u') return code_point(at, out);
  const auto index = letters.find(at[1]);
  if (index == std::string_view::npos) return refuse("an unknown escape", at);
  out += meanings[index];
  return at + 2;
}

// The four hexadecimal digits behind "\u"; none when this isn't one.
std::optional<std::uint32_t> escaped_unit(const char* at) {
  std::uint32_t unit = 0;
  if (at[0] != '\\' || at[1] != 'u') return std::nullopt;
  const auto [end, error] = std::from_chars(at + 2, at + 6, unit, 16);
  if (error != std::errc{} || end != at + 6) return std::nullopt;
  return unit;
}

Result<const char*> Reader::code_point(const char* at, std::string& out) const {
  const auto unit = escaped_unit(at);
  if (!unit) return refuse("an unknown escape", at);
  if (*unit == 0) return refuse("a NUL character in a text", at);
  if (*unit < 0xD800 || *unit > 0xDFFF) return append_utf8(out, *unit), at + 6;
  const auto low = *unit < 0xDC00 ? escaped_unit(at + 6) : std::nullopt;
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return refuse("half of a surrogate pair", at);
  append_utf8(out, 0x10000 + ((*unit - 0xD800) << 10U) + (*low - 0xDC00));
  return at + 12;
}

Result<Json> read(Scratch& scratch, std::string_view text, JsonLimits limits) {
  scratch.padded.assign(text);
  scratch.padded.append(simdjson::SIMDJSON_PADDING, '\0');
  return Reader{std::string_view{scratch.padded}.substr(0, text.size()), limits}.document(scratch.parser);
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.bytes_max) {
    return fail(Kind::corrupt, fmt::format("JSON of {} bytes, {} are allowed", text.size(), limits.bytes_max));
  }
  if (text.starts_with("\xEF\xBB\xBF")) return fail(Kind::corrupt, "a byte order mark at byte 0");
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) return fail(Kind::corrupt, "an empty JSON text");
  if (text.size() > scratch_kept_bytes_max) {
    Scratch scratch;
    return read(scratch, text, limits);
  }
  static thread_local Scratch scratch;
  return read(scratch, text, limits);
}

}  // namespace sluice::event
