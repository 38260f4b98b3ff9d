// Our position and simdjson's yes or no agree; what is cleaned is text and stays as it is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <simdjson.h>

#include "common/base/ensure.hpp"
#include "common/event/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};

  const auto at = event::first_invalid_utf8(bytes);

  ENSURE(at.has_value() == !simdjson::validate_utf8(bytes), "both judge the same");
  if (at) {
    ENSURE(simdjson::validate_utf8(bytes.substr(0, *at)), "all before the position is well-formed");
    for (std::size_t length = 1; length <= 4 && *at + length <= size; ++length) {
      ENSURE(!simdjson::validate_utf8(bytes.substr(*at, length)), "no character begins at the position");
    }
  }
  const auto cleaned = event::cleaned_text(bytes);
  ENSURE(event::check_text(cleaned).has_value(), "what was cleaned is text");
  ENSURE(event::cleaned_text(cleaned) == cleaned, "text is not changed");
  ENSURE(!event::check_text(bytes) || cleaned == bytes, "text is not changed");
  const auto cut = event::cut_text(cleaned, size / 2);
  ENSURE(cut.size() <= size / 2, "the cut holds the bound");
  ENSURE(event::check_text(cut).has_value(), "the cut is text");
  return 0;
}
