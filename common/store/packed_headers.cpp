#include "common/store/packed_headers.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace sluice::store {
namespace {

constexpr std::size_t length_bytes = 4;  // most significant byte first
constexpr char without_value = 0;
constexpr char with_value = 1;

void append(std::string& bytes, std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size());
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((length >> shift) & 0xFFU));
  bytes += text;
}

// Takes from the front of `left`; none when it is too short.
std::optional<std::string_view> take(std::string_view& left, std::size_t count) {
  if (left.size() < count) return std::nullopt;
  const auto taken = left.substr(0, count);
  left.remove_prefix(count);
  return taken;
}

std::optional<std::string_view> take_text(std::string_view& left) {
  const auto digits = take(left, length_bytes);
  if (!digits) return std::nullopt;
  std::size_t length = 0;
  for (const char digit : *digits) length = (length << 8U) | static_cast<unsigned char>(digit);
  return take(left, length);
}

std::optional<Header> take_header(std::string_view& left) {
  const auto name = take_text(left);
  if (!name) return std::nullopt;
  const auto mark = take(left, 1);
  if (!mark || (mark->front() != with_value && mark->front() != without_value)) return std::nullopt;
  if (mark->front() == without_value) return Header{std::string{*name}, std::nullopt};
  const auto value = take_text(left);
  if (!value) return std::nullopt;
  return Header{std::string{*name}, std::string{*value}};
}

}  // namespace

std::string pack(const Headers& headers) {
  std::string bytes;
  for (const auto& header : headers) {
    append(bytes, header.name);
    bytes.push_back(header.value ? with_value : without_value);
    if (header.value) append(bytes, *header.value);
  }
  return bytes;
}

Result<Headers> unpack(std::string_view bytes) {
  Headers headers;
  while (!bytes.empty()) {
    auto header = take_header(bytes);
    if (!header) return fail(Kind::corrupt, "stored headers of a record cannot be read");
    headers.push_back(std::move(*header));
  }
  return headers;
}

}  // namespace sluice::store
