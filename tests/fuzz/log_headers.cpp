// Whatever bytes a row's headers have: either they are what encode_headers() writes, byte for byte, or they are
// refused.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/ensure.hpp"
#include "common/log/sqlite_rows.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  std::vector<HeaderView> decoded;

  const bool sound = log::decode_headers(bytes, decoded);

  const log::StoredRow row{.offset = 1, .key = bytes, .value = std::nullopt, .headers = bytes, .crc = std::nullopt};
  std::vector<HeaderView> scratch;
  const auto record = log::record_of(row, scratch);
  ENSURE(record.is_poison() == !sound, "a row is poison exactly when its headers are refused");
  ENSURE(record.key() == bytes, "its key is there all the same");
  if (!sound) {
    ENSURE(decoded.empty() && record.raw_headers() == bytes, "refused headers keep their bytes");
    return 0;
  }
  Headers owned;
  for (const auto& header : decoded) {
    owned.push_back(
        {std::string{header.name}, header.value ? std::optional<std::string>{*header.value} : std::nullopt});
  }
  ENSURE(log::encode_headers(owned) == bytes, "there is one way to write headers");
  return 0;
}
