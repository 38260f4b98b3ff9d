#include "common/event/json.hpp"

#include <chrono>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

std::string round_trip(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed ? write_json(*parsed).value() : parsed.error().sentence;
}

}  // namespace

TEST_CASE("values of every kind are read") {
  const auto json = parse_json(R"( {"a":null,"b":true,"c":-12,"d":0.5,"e":"x","f":[1,[]],"g":{"h":{}}} )").value();

  CHECK(json.find("a")->is_null());
  CHECK(json.find("b")->boolean() == true);
  CHECK(json.find("c")->integer() == -12);
  CHECK(json.find("d")->real() == 0.5);
  CHECK(*json.find("e")->text() == "x");
  CHECK(json.find("f")->items()->size() == 2);
  CHECK(json.find("g")->find("h")->members()->empty());
  CHECK(json.find("z") == nullptr);
  CHECK(json.find("e")->find("z") == nullptr);
  CHECK_FALSE(json.find("e")->integer());
  CHECK_FALSE(json.find("c")->boolean());
}

TEST_CASE("values are built and changed in place") {
  auto json = Json::object({{"n", 7}, {"s", "text"}, {"yes", true}, {"nothing", nullptr}});

  json.set("s",
           Json::Array{1, 2.5, std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::int64_t>::min()});
  json.set("new", Json::Object{});

  CHECK(write_json(json) ==
        R"({"n":7,"s":[1,2.5,18446744073709551615,-9223372036854775808],"yes":true,"nothing":null,"new":{}})");
}

TEST_CASE("members keep their order and white space goes") {
  CHECK(round_trip(" {\"b\" : 1 ,\n\"a\":\t[ ] , \"c\":[1 , {} ]}\r\n") == R"({"b":1,"a":[],"c":[1,{}]})");
}

TEST_CASE("a number keeps the text it was written with") {
  constexpr std::string_view text =
      R"([0,-0,-0.0,1e400,-1E-400,123456789012345678901234567890,0.10,1E+2,1.7976931348623157e308])";
  const auto json = parse_json(text).value();

  CHECK(write_json(json) == text);
  CHECK_FALSE((*json.items())[3].real());     // beyond a double
  CHECK_FALSE((*json.items())[5].integer());  // beyond 64 bits
  CHECK((*json.items())[1].integer() == 0);
  CHECK_FALSE((*json.items())[7].integer());
  CHECK((*json.items())[7].real() == 100.0);
}

TEST_CASE("what is no number of JSON is refused") {
  for (const auto* text :
       {"[01]", "[+1]", "[.5]", "[1.]", "[1e]", "[1e+]", "[-]", "[0x1]", "[NaN]", "[Infinity]", "[1 2]", "[1a]",
        "[1\"a\"]", "[--1]", "[1,]", "[nul]", "[nulls]", "[truefalse]", "[true\"x\"]"}) {
    CAPTURE(text);
    CHECK(refused_as(parse_json(text), Kind::corrupt));
  }
  CHECK_FALSE(Json::Number::parse(""));
  CHECK_FALSE(Json::Number::parse("1 "));
  CHECK(Json::Number::parse("-1.5e+07")->text() == "-1.5e+07");
}

TEST_CASE("escapes are understood and written in one way") {
  CHECK(round_trip(R"(["\"\\\/\b\f\n\r\t\u0001\u001f\u00e9\u20AC\ud83d\uDE97\u007f"])") ==
        "[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x97\x7F\"]");
  CHECK(round_trip(R"({"\u0061\n":1})") == R"({"a\n":1})");
  CHECK(refusal(parse_json(R"(["ab\x"])")) == "an unknown escape at byte 4");
  CHECK(refusal(parse_json(R"(["\u12"])")) == "an unknown escape at byte 2");
  CHECK(refusal(parse_json(R"(["\u12g4"])")) == "an unknown escape at byte 2");
}

TEST_CASE("invalid UTF-8 is refused with its position") {
  CHECK(refusal(parse_json("{\"a\":\"b\xFF\"}")) == "invalid UTF-8 at byte 7");
  CHECK(refusal(parse_json("[\"\xED\xA0\x80\"]")) == "invalid UTF-8 at byte 2");
  CHECK(refusal(parse_json("[\"\xC0\x80\"]")) == "invalid UTF-8 at byte 2");
  CHECK(refusal(parse_json("[\xFF]")) == "invalid UTF-8 at byte 1");
}

TEST_CASE("NUL is refused with its position") {
  CHECK(refusal(parse_json(R"(["ab\u0000"])")) == "a NUL character in a text at byte 4");
  CHECK(refusal(parse_json(R"({"a\u0000":1})")) == "a NUL character in a text at byte 3");
  CHECK(refusal(parse_json(std::string_view{"[\"a\0b\"]", 7})) == "a control character in a text at byte 3");
}

TEST_CASE("half a surrogate pair is refused with its position") {
  CHECK(refusal(parse_json(R"(["a\ud800"])")) == "half of a surrogate pair at byte 3");
  CHECK(refusal(parse_json(R"(["\udc00"])")) == "half of a surrogate pair at byte 2");
  CHECK(refusal(parse_json(R"(["\ud800\n"])")) == "half of a surrogate pair at byte 2");
  CHECK(refusal(parse_json(R"(["\ud800\ud800"])")) == "half of a surrogate pair at byte 2");
  CHECK(refusal(parse_json(R"(["\ud800\u0061"])")) == "half of a surrogate pair at byte 2");
}

TEST_CASE("unescaped control characters and texts without end are refused with their position") {
  CHECK(refusal(parse_json("[\"a\nb\"]")) == "a control character in a text at byte 3");
  CHECK(refusal(parse_json("[\"\\\"\x1F\"]")) == "a control character in a text at byte 4");
  CHECK(refusal(parse_json("[1,\"abc]")) == "a text without end at byte 3");
}

TEST_CASE("a name that stands twice is refused with its position") {
  CHECK(refusal(parse_json(R"({"a":1,"b":2,"a":1})")) == "a name stands twice in one object at byte 13");
  CHECK(refusal(parse_json(R"({"a":1,"\u0061":2})")) == "a name stands twice in one object at byte 7");
  CHECK(refusal(parse_json(R"([{"x":1},{"o":{"x":1,"x":2}}])")) == "a name stands twice in one object at byte 21");
  CHECK(parse_json(R"({"a":{"a":{"a":1}},"b":{"a":1}})"));
}

TEST_CASE("a name that stands twice among thousands is found at its first repetition") {
  std::string text = "{";
  for (int member = 0; member < 5000; ++member) text += "\"m" + std::to_string(member) + "\":0,";
  const auto repeated_at = text.size();
  const auto unique = text + "\"last\":0}";
  const auto twice = text + "\"m4\":0,\"m2\":0}";

  CHECK(parse_json(unique));
  CHECK(refusal(parse_json(twice)) == "a name stands twice in one object at byte " + std::to_string(repeated_at));
}

TEST_CASE("64 levels are accepted and 65 refused in both directions") {
  CHECK(round_trip(nested(64)) == nested(64));
  CHECK(refusal(parse_json(nested(65))) == "JSON nested deeper than 64 at byte 64");
  CHECK(round_trip(R"({"a":)" + nested(63) + "}") == R"({"a":)" + nested(63) + "}");
  CHECK(refused_as(parse_json(R"({"a":)" + nested(64) + "}"), Kind::corrupt));

  Json deep = Json::Array{};
  for (int level = 1; level < 64; ++level) deep = Json::Array{std::move(deep)};
  CHECK(write_json(deep));
  CHECK(refused_as(write_json(Json::Array{deep}), Kind::invalid));
  CHECK(refused_as(write_json(Json::object({{"a", deep}})), Kind::invalid));
}

TEST_CASE("two million bytes are accepted and one more refused in both directions") {
  const auto of_size = [](std::size_t bytes) { return "[\"" + std::string(bytes - 4, 'x') + "\"]"; };

  const auto largest = parse_json(of_size(2'000'000));

  REQUIRE(largest);
  CHECK(write_json(*largest).value().size() == 2'000'000);
  CHECK(refusal(parse_json(of_size(2'000'001))) == "JSON of 2000001 bytes, 2000000 are allowed");
  CHECK(refused_as(write_json(Json::Array{std::string(1'999'997, 'x')}), Kind::invalid));
  CHECK(refused_as(parse_json("[1,2]", {.bytes_max = 4}), Kind::corrupt));
}

TEST_CASE("a body of a million bytes is read whatever it is made of") {
  std::string escapes = "[\"";
  while (escapes.size() < 1'000'000) escapes += R"(\n\")";
  std::string numbers = "[0";
  while (numbers.size() < 1'000'000) numbers += ",0";
  std::string names = "{\"\":0";
  for (int member = 0; names.size() < 1'000'000; ++member) names += ",\"" + std::to_string(member) + "\":0";

  for (const auto& text : {escapes + "\"]", numbers + "]", names + "}"}) {
    CHECK(round_trip(text) == text);
  }
}

TEST_CASE("nothing stands before or behind the value") {
  CHECK(refusal(parse_json("\xEF\xBB\xBF{}")) == "a byte order mark at byte 0");
  CHECK(refusal(parse_json("{}{}")) == "something after the end of the JSON at byte 2");
  CHECK(refusal(parse_json("[] ,[]")) == "something after the end of the JSON at byte 3");
  CHECK(refused_as(parse_json("{} x"), Kind::corrupt));
  CHECK(refused_as(parse_json("{}}"), Kind::corrupt));
  CHECK(refusal(parse_json("")) == "an empty JSON text");
  CHECK(refusal(parse_json(" \r\n\t")) == "an empty JSON text");
}

TEST_CASE("the outermost value is an object or an array") {
  CHECK(refusal(parse_json(" 12")) == "neither an object nor an array at byte 1");
  CHECK(refusal(parse_json("\"text\"")) == "neither an object nor an array at byte 0");
  CHECK(refused_as(write_json("text"), Kind::invalid));
  CHECK(refused_as(write_json(nullptr), Kind::invalid));
}

TEST_CASE("broken structure is refused") {
  for (const auto* text :
       {"{",          "[",           "]",         "}",      "[1",    "{\"a\"",     "{\"a\":",   "{\"a\":1",
        "{\"a\":1,}", "{,}",         "{\"a\" 1}", "{a:1}",  "{1:1}", "[1}",        "{\"a\":1]", "[[1]",
        "[1]]",       "{\"a\":[1}]", "[,1]",      "[1,,2]", "[:]",   "{\"a\"x:1}", "[\"a\"x]",  "[\"a\" \"b\"]",
        "[\"a\":1]",  "[{\"a\":1]",  "//\n[]",    "['a']"}) {
    CAPTURE(text);
    CHECK(refused_as(parse_json(text), Kind::corrupt));
  }
}

TEST_CASE("a refusal repeats nothing of the text") {
  for (const auto* text : {"{\"secret\":01}", "{\"secret\":1,\"secret\":1}", "[secret]", "[\"secret\\q\"]", "[\"secret",
                           "{\"secret\" 1}"}) {
    CHECK(refusal(parse_json(text)).find("secret") == std::string::npos);
  }
}

TEST_CASE("the writer refuses what the reader would refuse") {
  CHECK(refusal(write_json(Json::object({{"a", "b\xFF"}}))) == "invalid UTF-8 at byte 7 of the JSON");
  CHECK(refused_as(write_json(Json::object({{"\xC3", "\xA9"}})), Kind::invalid));  // two halves in two texts
  CHECK(refused_as(write_json(Json::Array{std::string{"a\0b", 3}}), Kind::invalid));
  CHECK(refused_as(write_json(Json::object({{std::string{"\0", 1}, 1}})), Kind::invalid));
  CHECK(refused_as(write_json(Json::Object{{"a", 1}, {"b", 2}, {"a", 3}}), Kind::invalid));
}

TEST_CASE("equality looks at names and order and the text of numbers") {
  const auto json = [](std::string_view text) { return parse_json(text).value(); };

  CHECK(json(R"({"a":1,"b":[true]})") == json(R"( {"a": 1, "b": [true]})"));
  CHECK(json(R"({"a":1,"b":2})") != json(R"({"b":2,"a":1})"));
  CHECK(json("[1.0]") != json("[1]"));
  CHECK(json("[\"1\"]") != json("[1]"));
  CHECK(json("[null]") != json("[false]"));
}

}  // namespace sluice::event
