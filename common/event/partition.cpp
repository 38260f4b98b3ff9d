#include "common/event/partition.hpp"

#include <bit>

#include "common/base/ensure.hpp"

namespace sluice::event {
namespace {

constexpr std::uint32_t seed = 0x9747B28CU;
constexpr std::uint32_t multiplier = 0x5BD1E995U;

std::uint32_t byte_at(std::string_view key, std::size_t index) {
  return static_cast<unsigned char>(key[index]);
}

// Little-endian on every machine, as Java assembles it.
std::uint32_t word_at(std::string_view key, std::size_t index) {
  return byte_at(key, index) | byte_at(key, index + 1) << 8U | byte_at(key, index + 2) << 16U |
         byte_at(key, index + 3) << 24U;
}

}  // namespace

std::int32_t murmur2(std::string_view key) {
  std::uint32_t hash = seed ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    std::uint32_t word = word_at(key, at) * multiplier;
    word = (word ^ word >> 24U) * multiplier;
    hash = hash * multiplier ^ word;
  }
  if (at < key.size()) {
    for (std::size_t left = key.size() - at; left > 0; --left) hash ^= byte_at(key, at + left - 1) << (8U * (left - 1));
    hash *= multiplier;
  }
  hash = (hash ^ hash >> 13U) * multiplier;
  return std::bit_cast<std::int32_t>(hash ^ hash >> 15U);
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) {
  ENSURE(partitions > 0, "a topic has at least one partition");
  return (murmur2(key) & 0x7FFFFFFF) % partitions;
}

}  // namespace sluice::event
