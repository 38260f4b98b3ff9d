#include "common/log/sqlite_rows.hpp"

#include <utility>

#include "common/base/ensure.hpp"

namespace sluice::log {

namespace {

void put_length(std::string& bytes, std::uint64_t length) {
  while (length >= 0x80U) {
    bytes.push_back(static_cast<char>((length & 0x7FU) | 0x80U));
    length >>= 7U;
  }
  bytes.push_back(static_cast<char>(length));
}

// Takes lengths and texts off the front of foreign bytes; nothing when they are not there.
class Cutter {
 public:
  explicit Cutter(std::string_view bytes) : left_(bytes) {}

  [[nodiscard]] bool done() const { return left_.empty(); }

  std::optional<std::uint64_t> length() {
    std::uint64_t length = 0;
    for (unsigned shift = 0; shift < 35 && !left_.empty(); shift += 7) {  // five bytes reach far above any record
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      length |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) != 0) continue;
      if (byte == 0 && shift != 0) return std::nullopt;  // not the shortest form
      return length;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> text(std::uint64_t length) {
    if (length > left_.size()) return std::nullopt;
    const auto text = left_.substr(0, length);
    left_.remove_prefix(length);
    return text;
  }

 private:
  std::string_view left_;
};

bool decode_into(std::string_view bytes, std::vector<HeaderView>& into) {
  Cutter cutter{bytes};
  while (!cutter.done()) {
    const auto name_length = cutter.length();
    if (!name_length) return false;
    const auto name = cutter.text(*name_length);
    if (!name) return false;
    const auto value_length_plus_one = cutter.length();
    if (!value_length_plus_one) return false;
    HeaderView header{*name, std::nullopt};
    if (*value_length_plus_one > 0) {
      header.value = cutter.text(*value_length_plus_one - 1);
      if (!header.value) return false;
    }
    into.push_back(header);
  }
  return true;
}

std::size_t size_of(const std::optional<std::string>& text) {
  return text ? text->size() : 0;
}

}  // namespace

std::string encode_headers(const Headers& headers) {
  std::string bytes;
  for (const auto& header : headers) {
    put_length(bytes, header.name.size());
    bytes += header.name;
    put_length(bytes, header.value ? header.value->size() + 1 : 0);
    if (header.value) bytes += *header.value;
  }
  return bytes;
}

bool decode_headers(std::string_view bytes, std::vector<HeaderView>& into) {
  into.clear();
  const bool sound = decode_into(bytes, into);
  if (!sound) into.clear();
  return sound;
}

std::size_t NewRow::bytes() const {
  return size_of(key) + size_of(value) + headers.size() + sizeof(NewRow);
}

NewRow row_of(PartitionId partition, WallTime now, Outgoing record) {
  const auto crc = checksum(record);
  return NewRow{.partition = partition,
                .timestamp = record.timestamp.value_or(now),
                .key = std::move(record.key),
                .value = std::move(record.value),
                .headers = encode_headers(record.headers),
                .crc = crc};
}

Record record_of(const StoredRow& row, std::vector<HeaderView>& scratch) {
  Record::Parts parts;
  parts.offset = row.offset;
  parts.timestamp = row.timestamp;
  parts.key = row.key;
  parts.value = row.value;
  if (!decode_headers(row.headers, scratch)) {
    parts.damage = "headers";
    parts.raw_headers = row.headers;
  } else {
    parts.headers = scratch;
    if (row.crc && *row.crc != checksum(row.key, row.value, scratch)) parts.damage = "checksum";
  }
  return Record{parts};
}

Record record_of(const NewRow& row, std::vector<HeaderView>& scratch) {
  const bool sound = decode_headers(row.headers, scratch);
  ENSURE(sound, "headers are decoded as they were encoded");
  Record::Parts parts;
  parts.offset = row.offset;
  parts.timestamp = row.timestamp;
  parts.key = row.key;
  parts.value = row.value;
  parts.headers = scratch;
  return Record{parts};
}

std::size_t payload_bytes(const Outgoing& record) {
  std::size_t bytes = size_of(record.key) + size_of(record.value);
  for (const auto& header : record.headers) bytes += header.name.size() + size_of(header.value);
  return bytes;
}

}  // namespace sluice::log
