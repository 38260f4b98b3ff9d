// A record as a text that a person can write and a fuzzer can change: the key on the first line, then one header on
// each line ("name: value", or only "name" for an absent value), an empty line, and the rest is the value.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/header.hpp"

namespace sluice::fuzz {

struct RecordText {
  std::string_view key;
  std::vector<HeaderView> headers;
  std::string_view value;
};
RecordText read_record(std::string_view text);

}  // namespace sluice::fuzz
