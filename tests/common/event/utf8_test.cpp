#include "common/event/utf8.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <string>

#include "common/async/random.hpp"
#include "tests/common/event/refused.hpp"
#include "tests/support/seed.hpp"

namespace sluice::event {

TEST_CASE("well-formed text of every length is accepted") {
  CHECK_FALSE(first_invalid_utf8(""));
  CHECK_FALSE(first_invalid_utf8("plain"));
  CHECK_FALSE(first_invalid_utf8("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9A\x97"));
  CHECK_FALSE(
      first_invalid_utf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));  // beside the surrogates, and the last one
  CHECK(check_utf8("\xEF\xBF\xBF"));                                    // noncharacters are characters
}

TEST_CASE("ill-formed text is refused with the position of its first bad sequence") {
  const auto at = [](std::string_view bytes) { return first_invalid_utf8(bytes); };

  CHECK(at("ab\xFFz") == 2U);
  CHECK(at("ab\xC3") == 2U);                 // cut off
  CHECK(at("\xE2\x82\xAC\xE2\x82z") == 3U);  // cut off inside
  CHECK(at("a\xC0\xAF") == 1U);              // overlong slash
  CHECK(at("a\xE0\x80\xAF") == 1U);          // overlong, three bytes
  CHECK(at("a\xF0\x80\x80\x80") == 1U);      // overlong, four bytes
  CHECK(at("a\xED\xA0\x80") == 1U);          // a surrogate
  CHECK(at("a\xF4\x90\x80\x80") == 1U);      // above U+10FFFF
  CHECK(at("a\xF8\x88\x80\x80\x80") == 1U);  // five bytes
  CHECK(at("\x80") == 0U);                   // continuation alone
  CHECK(refused_as(check_utf8("ab\xFF"), Kind::corrupt));
  CHECK(refusal(check_utf8("ab\xFF")) == "invalid UTF-8 at byte 2");
}

TEST_CASE("NUL is no text") {
  CHECK(check_utf8(std::string_view{"a\0b", 3}));
  CHECK(refusal(check_text(std::string_view{"a\0b", 3})) == "a NUL character at byte 1");
  CHECK(refusal(check_text("ab\xFF")) == "invalid UTF-8 at byte 2");
  CHECK(check_text("all good"));
}

TEST_CASE("cleaning replaces each bad part once and keeps the rest") {
  CHECK(cleaned_text("caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(cleaned_text(std::string_view{"a\0b", 3}) ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(cleaned_text("a\xF0\x9F\x9A"
                     "b") ==
        "a\xEF\xBF\xBD"
        "b");                                                     // one cut character: one mark
  CHECK(cleaned_text("\xC0\xAF") == "\xEF\xBF\xBD\xEF\xBF\xBD");  // no character begins so
  CHECK(cleaned_text("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") ==   // Unicode's table 3-11
        "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41");
}

TEST_CASE("a character of every length is appended as UTF-8") {
  std::string text;
  for (const char32_t character : U"a\u00E9\u20AC\U0001F697") append_utf8(text, character);

  CHECK(text == std::string_view{"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x97\0", 11});
}

TEST_CASE("cutting never splits a character") {
  CHECK(cut_text("short", 10) == "short");
  CHECK(cut_text("abcdef", 3) == "abc");
  CHECK(cut_text("ab\xE2\x82\xAC", 5) == "ab\xE2\x82\xAC");
  CHECK(cut_text("ab\xE2\x82\xAC", 4) == "ab");
  CHECK(cut_text("\xF0\x9F\x9A\x97", 3) == "");
}

TEST_CASE("random bytes are judged as simdjson judges them and cleaned into text") {
  SeededRandom random{test_seed()};
  constexpr std::string_view likely = "a\x80\x8F\x90\x9F\xA0\xBF\xC2\xE0\xE1\xED\xEF\xF0\xF3\xF4\xF5";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (auto left = random.below(12); left > 0; --left) {
      bytes += random.one_in(8) ? static_cast<char>(random.below(256)) : likely[random.below(likely.size())];
    }

    const auto at = first_invalid_utf8(bytes);

    REQUIRE(at.has_value() == !simdjson::validate_utf8(bytes));
    if (at) REQUIRE(simdjson::validate_utf8(std::string_view{bytes}.substr(0, *at)));
    const auto cleaned = cleaned_text(bytes);
    REQUIRE(check_text(cleaned));
    REQUIRE(check_text(cut_text(cleaned, random.below(16))));
    if (!at && bytes.find('\0') == std::string::npos) REQUIRE(cleaned == bytes);
  }
}

}  // namespace sluice::event
