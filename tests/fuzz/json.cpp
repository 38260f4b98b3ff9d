// What the reader accepts is written and read as the same value, and simdjson's own tree accepts it too.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <simdjson.h>

#include "common/base/ensure.hpp"
#include "common/event/json.hpp"
#include "common/event/utf8.hpp"

namespace {

// Its tree has no place for a number that no type holds; all other refusals would prove ours too lenient.
bool simdjson_accepts(std::string_view text) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded{text};
  const auto error = parser.parse(padded).error();
  return error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text{reinterpret_cast<const char*>(data), size};

  const auto value = event::parse_json(text);
  if (!value) {
    ENSURE(value.error().kind == Kind::corrupt && !value.error().sentence.empty(), "a refusal is corrupt and says why");
    return 0;
  }

  ENSURE(simdjson_accepts(text), "what another parser refuses is refused");
  const auto written = event::write_json(*value);
  ENSURE(written.has_value() && written->size() <= size, "what was read can be written and is no longer");
  ENSURE(event::check_text(*written).has_value(), "what is written is text");
  const auto again = event::parse_json(*written);
  ENSURE(again.has_value() && *again == *value, "what was written is read as the same value");
  ENSURE(*event::write_json(*again) == *written, "and written with the same bytes");
  return 0;
}
