// Headers that are understood are written so that they are understood again; foreign ones come out as they went in.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/ensure.hpp"
#include "common/event/headers.hpp"
#include "tests/fuzz/record_text.hpp"

namespace {

using namespace sluice;

std::vector<HeaderView> foreign_of(std::vector<HeaderView> headers) {
  std::erase_if(headers, [](const HeaderView& header) { return event::is_ours(header.name); });
  return headers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = fuzz::read_record({reinterpret_cast<const char*>(data), size});

  const auto decoded = event::decode_headers(record.headers);
  if (!decoded) return 0;

  const auto* subject = decoded->subject ? &*decoded->subject : nullptr;
  const auto encoded = event::encode_headers(decoded->headers, subject);
  ENSURE(encoded.has_value(), "what was understood can be written");
  const Headers& written = *encoded;
  ENSURE(foreign_of(event::views_of(written)) == foreign_of(record.headers), "foreign headers travel untouched");
  for (const auto& header : written) {
    const auto same = [&](const Header& other) { return other.name == header.name; };
    ENSURE(!event::is_ours(header.name) || std::count_if(written.begin(), written.end(), same) == 1, "ours stand once");
  }
  const auto again = event::decode_headers(event::views_of(written));
  ENSURE(again.has_value() && again->headers == decoded->headers, "what was written is understood as the same");
  ENSURE(again->subject == decoded->subject, "and names the same conversation");
  return 0;
}
