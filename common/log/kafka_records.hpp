// Our records as Kafka's messages and back.
//
// A record of ours carries its CRC-32C as the last header. A record without it was written by somebody else and is
// sound; one whose last header of that name is wrong is poison "checksum" and comes with its headers as they are.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/log/kafka_handles.hpp"
#include "common/log/record.hpp"

namespace sluice::log {

constexpr std::string_view checksum_header = "sluice-crc32c";  // eight lower-case hexadecimal digits

std::size_t bytes_of(const Outgoing& record);  // key, value and headers

// Kind::invalid for a header's name with a NUL byte in it: the library would cut it there.
Result<KafkaHeaders> kafka_headers_of(const Outgoing& record);

// `scratch` is only there to be used again from record to record.
Record record_of(const rd_kafka_message_t& message, std::vector<HeaderView>& scratch);

}  // namespace sluice::log
