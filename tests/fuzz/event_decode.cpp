// What decodes to an event encodes again, to the same event, and from then on to the same bytes.
#include <cstddef>
#include <cstdint>

#include "common/base/ensure.hpp"
#include "common/event/event.hpp"
#include "tests/fuzz/record_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const auto record = fuzz::read_record({reinterpret_cast<const char*>(data), size});

  const auto event = event::decode(record.key, record.value, record.headers);
  if (!event) {
    ENSURE(event.error().kind == Kind::corrupt && !event.error().sentence.empty(), "a refusal is corrupt and says why");
    return 0;
  }

  const auto encoded = event::encode(*event);
  ENSURE(encoded.has_value(), "what was read can be written");
  ENSURE(encoded->key == record.key, "the key stays as it is");
  ENSURE(encoded->value.size() <= record.value.size(), "a value never grows on its way");
  const auto again = event::decode(*encoded);
  ENSURE(again.has_value() && *again == *event, "what was written is read as the same event");
  ENSURE(*event::encode(*again) == *encoded, "and written with the same bytes");
  return 0;
}
