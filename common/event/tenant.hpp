// Whose message it is. Every event, row, key and metric carries it.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/base/result.hpp"

namespace sluice::event {

class Tenant {
 public:
  static constexpr std::size_t bytes_max = 64;

  static Result<Tenant> parse(std::string_view text);     // [a-z0-9-]{1,64}, else Kind::invalid
  static Tenant standard() { return Tenant{"default"}; }  // the one that is configured by the environment

  [[nodiscard]] const std::string& text() const { return text_; }

  auto operator<=>(const Tenant&) const = default;

 private:
  explicit Tenant(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace sluice::event

template <>
struct std::hash<sluice::event::Tenant> {
  std::size_t operator()(const sluice::event::Tenant& tenant) const { return std::hash<std::string>{}(tenant.text()); }
};

template <>
struct fmt::formatter<sluice::event::Tenant> : fmt::formatter<std::string_view> {
  auto format(const sluice::event::Tenant& tenant, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(tenant.text(), context);
  }
};
