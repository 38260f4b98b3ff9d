#include "common/db/values.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <variant>

#include <fmt/format.h>

namespace sluice::db {
namespace {

// The length of the well-formed sequence at the start of `text` (Unicode 15, table 3-7), 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t place) { return static_cast<unsigned char>(text[place]); };
  const auto first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t place = 2; place < length; ++place) {
    if ((at(place) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

std::string_view fault_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (text->find('\0') != std::string::npos) return "is text with a NUL";
    if (!is_utf8(*text)) return "is text that is not valid UTF-8";
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isnan(*real)) return "is not a number";
  }
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  while (!text.empty()) {
    std::uint64_t eight = 0;
    if (text.size() >= sizeof eight) {
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & high_bits) == 0) {
        text.remove_prefix(sizeof eight);
        continue;
      }
    }
    const auto length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Done check(std::span<const Value> values) {
  for (std::size_t place = 0; place < values.size(); ++place) {
    const auto fault = fault_of(values[place]);
    if (!fault.empty()) return fail(Kind::invalid, fmt::format("value ${} {}", place + 1, fault));
  }
  return {};
}

Done check(const Batch& batch) {
  for (const auto& statement : batch.statements) {
    auto checked = check(statement.values);
    if (!checked) return checked;
  }
  return {};
}

std::size_t bytes_of(std::span<const Value> values) {
  std::size_t bytes = values.size_bytes();
  for (const auto& value : values) {
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* blob = std::get_if<Blob>(&value)) bytes += blob->bytes.size();
  }
  return bytes;
}

std::size_t bytes_of(const Batch& batch) {
  std::size_t bytes = sizeof batch;
  for (const auto& statement : batch.statements) bytes += sizeof statement + bytes_of(statement.values);
  return bytes;
}

}  // namespace sluice::db
