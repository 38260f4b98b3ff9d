// Where in a distributed trace an event stands: W3C's `traceparent`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::event {

struct TraceParent {
  std::string trace_id;  // 32 lower-case hexadecimal digits, not all zero
  std::string span_id;   // 16 of them, not all zero
  std::uint8_t flags = 0;

  [[nodiscard]] std::string text() const;  // always version 00: what a later version adds isn't ours to repeat

  // None when the recommendation says that the header is to be ignored: upper case, all-zero ids, version ff, another
  // length.
  static std::optional<TraceParent> parse(std::string_view text);

  bool operator==(const TraceParent&) const = default;
};

}  // namespace sluice::event
