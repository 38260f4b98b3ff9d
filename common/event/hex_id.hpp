// Sixteen bytes that name something, written as 32 lower-case hexadecimal digits. Ids of different things are different
// types.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/base/result.hpp"

namespace sluice::event {

using Digest = std::array<std::uint8_t, 16>;

// The first half of SHA-256 over the purpose and the parts, each with its length before it (four bytes, big-endian), so
// that no two lists of parts make the same input.
Digest digest_of(std::string_view purpose, std::initializer_list<std::string_view> parts);

std::string hex_of(const Digest& digest);
Result<Digest> parse_hex(std::string_view text);  // Kind::invalid

template <class Tag>
class HexId {
 public:
  explicit HexId(const Digest& digest) : digest_(digest) {}
  static Result<HexId> parse(std::string_view text) {
    return parse_hex(text).map([](const Digest& digest) { return HexId{digest}; });
  }

  [[nodiscard]] std::string text() const { return hex_of(digest_); }
  [[nodiscard]] const Digest& bytes() const { return digest_; }

  auto operator<=>(const HexId&) const = default;

 private:
  Digest digest_;
};

}  // namespace sluice::event

template <class Tag>
struct std::hash<sluice::event::HexId<Tag>> {
  std::size_t operator()(const sluice::event::HexId<Tag>& id) const {  // the bytes are a hash already
    std::size_t value = 0;
    std::memcpy(&value, id.bytes().data(), sizeof value);
    return value;
  }
};

template <class Tag>
struct fmt::formatter<sluice::event::HexId<Tag>> : fmt::formatter<std::string_view> {
  auto format(const sluice::event::HexId<Tag>& id, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(id.text(), context);
  }
};
