// Text from outside: valid UTF-8 without NUL, or refused with the position. PostgreSQL's text holds nothing else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace sluice::event {

// Where the first ill-formed sequence begins, counted in bytes from 0. Overlong forms, surrogates and what lies above
// U+10FFFF are ill-formed.
std::optional<std::size_t> first_invalid_utf8(std::string_view bytes);

Result<void> check_utf8(std::string_view bytes);  // Kind::corrupt; the sentence names the position
Result<void> check_text(std::string_view bytes);  // the same, and no NUL

void append_utf8(std::string& text, char32_t character);  // a Unicode scalar value

// For the edge, where refusing would lose a customer's message: each maximal ill-formed part and each NUL becomes
// U+FFFD.
std::string cleaned_text(std::string_view bytes);

// The longest beginning of at most `bytes_max` that does not end inside a character of valid text.
std::string_view cut_text(std::string_view text, std::size_t bytes_max);

}  // namespace sluice::event
