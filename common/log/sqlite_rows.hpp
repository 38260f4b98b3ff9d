// How a record stands in a row of the file, and how it is read back whatever has become of its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/record.hpp"

namespace sluice::log {

using PartitionId = std::int64_t;  // dense over the partitions of all topics

// Each header is its name and its value, each behind its length; a value's length is one more than it is, and zero for
// none. No headers are no bytes. Lengths are varints in their shortest form, so equal headers are equal bytes.
std::string encode_headers(const Headers& headers);

// False when the bytes are not what encode_headers() writes; `into` is empty then. The views point into `bytes`.
[[nodiscard]] bool decode_headers(std::string_view bytes, std::vector<HeaderView>& into);

// A record on its way into the file.
struct NewRow {
  PartitionId partition = 0;
  Offset offset = 0;  // given by the writer
  WallTime timestamp{};
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string headers;  // encoded
  std::uint32_t crc = 0;

  [[nodiscard]] std::size_t bytes() const;
};
NewRow row_of(PartitionId partition, WallTime now, Outgoing record);

// A record as the file holds it; none of it is to be believed.
struct StoredRow {
  Offset offset = 0;
  WallTime timestamp{};
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::string_view headers;         // encoded
  std::optional<std::int64_t> crc;  // none: stored by a program that knows no checksum, hence sound
};

// Headers that can't be decoded and a checksum that doesn't fit make it poison, with its raw bytes. `scratch` only
// saves allocations.
Record record_of(const StoredRow& row, std::vector<HeaderView>& scratch);

// The same for a row that this process has just written and that no disk can have changed.
Record record_of(const NewRow& row, std::vector<HeaderView>& scratch);

// What the limit on a record's size counts: key, value, names and values of headers.
std::size_t payload_bytes(const Outgoing& record);

}  // namespace sluice::log
