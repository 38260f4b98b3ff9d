// Every case of the JSONTestSuite, with the places named where this project decides otherwise than the suite.
#include <charconv>
#include <fstream>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "common/event/json.hpp"
#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

// RFC 8259 allows these; this project refuses them and says so in json.hpp.
const std::set<std::string_view> valid_but_refused{
    "y_object_duplicated_key",
    "y_object_duplicated_key_and_value",  // a name twice
    "y_object_escaped_null_in_key",
    "y_string_null_escape",  // NUL
    "y_string_space",
    "y_structure_lonely_false",  // the outermost value is no object or array
    "y_structure_lonely_int",
    "y_structure_lonely_negative_real",
    "y_structure_lonely_null",
    "y_structure_lonely_string",
    "y_structure_lonely_true",
    "y_structure_string_empty",
};

// The suite leaves these open: numbers beyond a double are kept as text, everything else is refused.
bool open_and_accepted(std::string_view name) {
  return name.starts_with("i_number_");
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + at, hex.data() + at + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

bool is_accepted(std::string_view name) {
  if (name.starts_with("y_")) return !valid_but_refused.contains(name);
  return name.starts_with("i_") && open_and_accepted(name);
}

}  // namespace

TEST_CASE("the reader decides every case of the JSONTestSuite as stated") {
  std::ifstream cases{TEST_DATA "/json/cases.txt"};
  std::string name;
  std::string hex;
  int count = 0;
  for (std::string line; std::getline(cases, line); ++count) {
    const auto space = line.find(' ');
    name = line.substr(0, space);
    hex = line.substr(space + 1);
    CAPTURE(name);

    const auto parsed = parse_json(bytes_of(hex));

    CHECK(parsed.has_value() == is_accepted(name));
    if (!parsed) CHECK(parsed.error().kind == Kind::corrupt);
    if (parsed) CHECK(parse_json(write_json(*parsed).value()).value() == *parsed);
  }
  CHECK(count == 316);
}

TEST_CASE("a hundred thousand opening brackets are refused without going down them") {
  CHECK(refused_as(parse_json(std::string(100'000, '[')), Kind::corrupt));
  std::string objects;
  for (int depth = 0; depth < 50'000; ++depth) objects += R"([{"":)";
  CHECK(refused_as(parse_json(objects), Kind::corrupt));
  CHECK(refusal(parse_json(std::string(100'000, '[') + std::string(100'000, ']'))) ==
        "JSON nested deeper than 64 at byte 64");
}

}  // namespace sluice::event
