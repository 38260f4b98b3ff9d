#include "common/event/trace_parent.hpp"

#include <charconv>

#include <fmt/format.h>

namespace sluice::event {
namespace {

constexpr std::size_t length = 55;  // "00-<32>-<16>-<2>"

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::string TraceParent::text() const {
  return fmt::format("00-{}-{}-{:02x}", trace_id, span_id, flags);
}

std::optional<TraceParent> TraceParent::parse(std::string_view text) {
  if (text.size() < length || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = text.substr(0, 2);
  if (!is_hex(version) || version == "ff") return std::nullopt;
  if (text.size() > length && (version == "00" || text[length] != '-')) return std::nullopt;
  const auto trace = text.substr(3, 32);
  const auto span = text.substr(36, 16);
  const auto flags = text.substr(53, 2);
  if (!is_id(trace) || !is_id(span) || !is_hex(flags)) return std::nullopt;
  TraceParent parent{.trace_id = std::string{trace}, .span_id = std::string{span}};
  std::from_chars(flags.data(), flags.data() + flags.size(), parent.flags, 16);
  return parent;
}

}  // namespace sluice::event
