#include "common/event/utf8.hpp"

#include <cstdint>

#include <fmt/format.h>
#include <simdjson.h>

namespace sluice::event {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

struct Sequence {
  std::size_t bytes = 1;  // of the character, or of the longest part that could have begun one
  bool valid = false;
};

// What the second byte may be after this first one; Unicode's table 3-7. `length` 0: no character begins so.
struct Lead {
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
};

Lead lead_of(std::uint8_t first) {
  if (first < 0x80) return {.length = 1};
  if (first < 0xC2) return {};
  if (first < 0xE0) return {.length = 2};
  if (first == 0xE0) return {.length = 3, .low = 0xA0};
  if (first == 0xED) return {.length = 3, .high = 0x9F};
  if (first < 0xF0) return {.length = 3};
  if (first == 0xF0) return {.length = 4, .low = 0x90};
  if (first < 0xF4) return {.length = 4};
  if (first == 0xF4) return {.length = 4, .high = 0x8F};
  return {};
}

Sequence sequence_at(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); };
  Lead lead = lead_of(byte(at));
  if (lead.length == 0) return {};
  std::size_t read = 1;
  while (read < lead.length && at + read < bytes.size() && byte(at + read) >= lead.low &&
         byte(at + read) <= lead.high) {
    lead.low = 0x80;
    lead.high = 0xBF;
    ++read;
  }
  return {.bytes = read, .valid = read == lead.length};
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view bytes) {
  if (simdjson::validate_utf8(bytes)) return std::nullopt;
  for (std::size_t at = 0; at < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, at);
    if (!sequence.valid) return at;
    at += sequence.bytes;
  }
  return std::nullopt;
}

Result<void> check_utf8(std::string_view bytes) {
  if (const auto at = first_invalid_utf8(bytes))
    return fail(Kind::corrupt, fmt::format("invalid UTF-8 at byte {}", *at));
  return {};
}

Result<void> check_text(std::string_view bytes) {
  if (const auto at = bytes.find('\0'); at != std::string_view::npos) {
    return fail(Kind::corrupt, fmt::format("a NUL character at byte {}", at));
  }
  return check_utf8(bytes);
}

void append_utf8(std::string& text, char32_t character) {
  const std::uint32_t code = character;
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0U | code >> 6U);
  } else if (code < 0x10000) {
    put(0xE0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3FU));
  } else {
    put(0xF0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3FU));
    put(0x80U | (code >> 6U & 0x3FU));
  }
  put(0x80U | (code & 0x3FU));
}

std::string cleaned_text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, at);
    text += sequence.valid && bytes[at] != '\0' ? bytes.substr(at, sequence.bytes) : replacement;
    at += sequence.bytes;
  }
  return text;
}

std::string_view cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace sluice::event
