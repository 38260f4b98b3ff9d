// The one partitioner of the project: Java's, so that every client of every language agrees where a key lives.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::event {

std::int32_t murmur2(std::string_view key);  // exactly org.apache.kafka.common.utils.Utils.murmur2

std::int32_t partition_of(std::string_view key, std::int32_t partitions);  // `partitions` > 0

}  // namespace sluice::event
