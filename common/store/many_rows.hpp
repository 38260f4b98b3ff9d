// The VALUES of a statement that inserts several rows at once. Only literals can be SQL, so the text of each number of
// rows is made by the compiler:
//
//   constexpr auto insert = db::joined<"INSERT INTO items (id, name) VALUES ", values_of_rows<8, 2>>();
#pragma once

#include <array>
#include <cstddef>

#include "common/db/dialect.hpp"

namespace sluice::store {

namespace detail {

constexpr std::size_t digits_of(std::size_t number) {
  return number < 10 ? 1 : 1 + digits_of(number / 10);
}

// "($1, $2), ($3, $4)"
template <std::size_t rows, std::size_t columns>
consteval std::size_t length_of_values() {
  std::size_t length = 0;
  for (std::size_t number = 1; number <= rows * columns; ++number) length += 1 + digits_of(number);
  return length + 2 * (rows * columns - 1) + 2 * rows;
}

template <std::size_t rows, std::size_t columns>
consteval auto values_text() {
  char text[length_of_values<rows, columns>() + 1]{};
  std::size_t end = 0;
  for (std::size_t number = 1; number <= rows * columns; ++number) {
    const bool first = (number - 1) % columns == 0;
    if (number > 1) {
      text[end++] = ',';
      text[end++] = ' ';
    }
    if (first) text[end++] = '(';
    text[end++] = '$';
    const auto digits = digits_of(number);
    auto left = number;
    for (std::size_t place = digits; place > 0; --place) {
      text[end + place - 1] = static_cast<char>('0' + left % 10);
      left /= 10;
    }
    end += digits;
    if (number % columns == 0) text[end++] = ')';
  }
  return db::detail::Literal<length_of_values<rows, columns>() + 1>(text);
}

}  // namespace detail

template <std::size_t rows, std::size_t columns>
inline constexpr auto values_of_rows = detail::values_text<rows, columns>();

}  // namespace sluice::store
