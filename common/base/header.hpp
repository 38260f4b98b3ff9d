// A record's header as both logs keep it: names may repeat, order matters, a value may be absent.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct Header {
  std::string name;
  std::optional<std::string> value;

  bool operator==(const Header&) const = default;
};
using Headers = std::vector<Header>;

}  // namespace sluice
