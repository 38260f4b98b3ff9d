#include "tests/crash/crash_load.hpp"

#include <charconv>

#include <fmt/format.h>

namespace sluice::crash {

std::string value_of(std::int64_t number) {
  auto value = fmt::format("{} ", number);
  const auto scattered = static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15U >> 32U;
  const std::size_t bytes = scattered % 200 == 0 ? 40'000 : scattered % 300;
  value.resize(value.size() + bytes, static_cast<char>('a' + scattered % 26));
  return value;
}

std::int64_t number_in(std::string_view value) {
  std::int64_t number = -1;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

}  // namespace sluice::crash
