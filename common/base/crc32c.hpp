// CRC-32C (Castagnoli), in hardware where the processor has it. Chain calls to cover several pieces.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {
std::uint32_t crc32c(std::string_view bytes, std::uint32_t so_far = 0);
std::uint32_t crc32c_by_table(std::string_view bytes,
                              std::uint32_t so_far = 0);  // what processors without the instruction run
}  // namespace sluice
