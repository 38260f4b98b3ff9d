#include "common/log/log.hpp"

#include <algorithm>

namespace sluice::log {

Offset lag(const Span& span, const std::optional<Committed>& committed) {
  const Offset from = committed ? std::max(span.first, committed->watermark) : span.first;
  return std::max<Offset>(0, span.end - from);
}

}  // namespace sluice::log
