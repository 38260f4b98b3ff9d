// A record's header as both logs keep it: names may repeat, order matters, a value may be absent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct Header {
  std::string name;
  std::optional<std::string> value;

  bool operator==(const Header&) const = default;
};
using Headers = std::vector<Header>;

// The same without owning its bytes: how a header is read out of a record.
struct HeaderView {
  std::string_view name;
  std::optional<std::string_view> value;

  bool operator==(const HeaderView&) const = default;
};

}  // namespace sluice
