// The two forms of a log line.
#include <array>
#include <span>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/telemetry/logger.hpp"

namespace sluice {

std::string_view name_of(Level level) {
  constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
  return names[static_cast<std::size_t>(level)];
}

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the well-formed UTF-8 character at `at`, or 0.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80U) return 1;
  if (first >= 0xC2U && first <= 0xDFU) return follows(1) ? 2 : 0;
  if (first >= 0xE0U && first <= 0xEFU) {
    if (first == 0xE0U && byte(1) < 0xA0U) return 0;
    if (first == 0xEDU && byte(1) > 0x9FU) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0U && first <= 0xF4U) {
    if (first == 0xF0U && byte(1) < 0x90U) return 0;
    if (first == 0xF4U && byte(1) > 0x8FU) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& to, char c) {
  switch (c) {
    case '"':
      to += "\\\"";
      return;
    case '\\':
      to += "\\\\";
      return;
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20U || byte == 0x7FU) {
    fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
  } else {
    to += c;
  }
}

std::string moment(WallTime at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (at - seconds).count());
}

void append_value(std::string& to, const Field::Value& value, std::size_t bytes_max) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_text(to, *text, bytes_max);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(to), "{}", *whole);
  } else if (const auto* real = std::get_if<double>(&value)) {
    fmt::format_to(std::back_inserter(to), "{}", std::isfinite(*real) ? *real : 0.0);
  } else {
    to += std::get<bool>(value) ? "true" : "false";
  }
}

// A terminal shows control characters of foreign text as what they are, and never obeys them.
std::string plain(const Field::Value& value, std::size_t bytes_max) {
  std::string shown;
  append_value(shown, value, bytes_max);
  const bool quoted = shown.size() >= 2 && shown.front() == '"';
  const bool simple = quoted && shown.find_first_of(" \\=", 1) == std::string::npos && shown.size() > 2;
  return simple ? shown.substr(1, shown.size() - 2) : shown;
}

}  // namespace

void append_json_text(std::string& to, std::string_view text, std::size_t bytes_max) {
  to += '"';
  const std::size_t start = to.size();
  for (std::size_t at = 0; at < text.size();) {
    if (to.size() - start >= bytes_max) {
      to += "…";
      break;
    }
    const std::size_t length = character_length(text, at);
    if (length == 0) {
      to += replacement;
      ++at;
    } else if (length == 1) {
      append_escaped(to, text[at++]);
    } else {
      to += text.substr(at, length);
      at += length;
    }
  }
  to += '"';
}

std::string json_line(WallTime at, Level level, std::string_view who, std::string_view message,
                      std::span<const Field> fields, const LoggerSettings& bounds) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","message":)", moment(at), name_of(level));
  append_json_text(line, message, bounds.field_bytes_max);
  line += ",\"process\":";
  append_json_text(line, who, bounds.field_bytes_max);
  for (const auto& field : fields) {
    const std::size_t before = line.size();
    line += ',';
    append_json_text(line, field.name, bounds.field_bytes_max);
    line += ':';
    append_value(line, field.value, bounds.field_bytes_max);
    if (line.size() + 16 > bounds.line_bytes_max) {  // room for the mark that says what happened
      line.resize(before);
      line += ",\"cut\":true";
      break;
    }
  }
  line += '}';
  return line;
}

std::string text_line(WallTime at, Level level, std::string_view who, std::string_view message,
                      std::span<const Field> fields, const LoggerSettings& bounds) {
  const auto clock_time = moment(at).substr(11, 12);
  std::string line = fmt::format("{} {:<5} {:<8} {}", clock_time, name_of(level), who, message);
  for (const auto& field : fields) {
    std::string shown = fmt::format("  {}={}", field.name, plain(field.value, bounds.field_bytes_max));
    if (line.size() + shown.size() + 16 > bounds.line_bytes_max) return line + "  (cut)";
    line += shown;
  }
  return line;
}

}  // namespace sluice
