#include "common/log/kafka_records.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sluice::log {
namespace {

using Digits = std::array<char, 8>;

Digits digits_of(std::uint32_t sum) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  Digits digits{};
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, sum >>= 4U) *digit = hexadecimal[sum & 0xFU];
  return digits;
}

std::optional<std::string_view> view_of(const void* bytes, std::size_t size) {
  if (!bytes) return std::nullopt;
  return std::string_view{static_cast<const char*>(bytes), size};
}

WallTime timestamp_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type{};
  const auto milliseconds = rd_kafka_message_timestamp(&message, &type);
  return WallTime{std::chrono::milliseconds{type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : milliseconds}};
}

// False when the bytes of the headers cannot be decoded.
bool read_headers(const rd_kafka_message_t& message, std::vector<HeaderView>& headers) {
  headers.clear();
  rd_kafka_headers_t* found = nullptr;
  const auto error = rd_kafka_message_headers(&message, &found);
  if (error == RD_KAFKA_RESP_ERR__NOENT) return true;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(found, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    headers.push_back({name, view_of(value, size)});
  }
  return true;
}

}  // namespace

std::size_t bytes_of(const Outgoing& record) {
  std::size_t bytes = (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (const auto& header : record.headers) bytes += header.name.size() + (header.value ? header.value->size() : 0);
  return bytes;
}

Result<KafkaHeaders> kafka_headers_of(const Outgoing& record) {
  KafkaHeaders headers{rd_kafka_headers_new(record.headers.size() + 1)};
  for (const auto& [name, value] : record.headers) {
    if (name.find('\0') != std::string::npos) return fail(Kind::invalid, "the name of a header contains a NUL byte");
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  const auto digits = digits_of(checksum(record));
  rd_kafka_header_add(headers.get(), checksum_header.data(), checksum_header.size(), digits.data(), digits.size());
  return headers;
}

Record record_of(const rd_kafka_message_t& message, std::vector<HeaderView>& scratch) {
  Record::Parts parts;
  parts.offset = message.offset;
  parts.timestamp = timestamp_of(message);
  parts.key = view_of(message.key, message.key_len);
  parts.value = view_of(message.payload, message.len);
  if (!read_headers(message, scratch)) {
    parts.damage = "headers";
    return Record{parts};
  }
  parts.headers = scratch;
  if (scratch.empty() || scratch.back().name != checksum_header) return Record{parts};
  const auto sound = parts.headers.first(scratch.size() - 1);
  const auto digits = digits_of(checksum(parts.key, parts.value, sound));
  if (scratch.back().value == std::string_view{digits.data(), digits.size()}) {
    parts.headers = sound;
  } else {
    parts.damage = "checksum";
  }
  return Record{parts};
}

}  // namespace sluice::log
