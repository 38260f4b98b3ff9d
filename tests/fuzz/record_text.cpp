#include "tests/fuzz/record_text.hpp"

#include <algorithm>

namespace sluice::fuzz {
namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

RecordText read_record(std::string_view text) {
  RecordText record{.key = take_line(text), .headers = {}, .value = {}};
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) {
      record.headers.push_back({line, std::nullopt});
    } else {
      record.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
    }
  }
  record.value = text;
  return record;
}

}  // namespace sluice::fuzz
