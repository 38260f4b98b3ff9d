// How a component says which settings it has. One function per struct, `declare(Fields&)`, serves everything: reading
// from flag, environment and NAME_FILE, printing at start, the generated .env.example and `--help`.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/telemetry/redacted.hpp"

namespace sluice::config {

struct Allowed {  // both ends included
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

// Where plain http may lead: to this machine only.
enum class UrlRule : std::uint8_t { https_or_loopback, any_scheme };

// What is said of one setting: its name in the environment (the flag is its lower-case form with dashes) and a
// sentence.
struct About {
  std::string_view name;
  std::string_view sentence;
  std::string_view other_name = {};  // a second name for the same setting
};

class Fields {
 public:
  Fields() = default;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  virtual ~Fields() = default;

  virtual void section(std::string_view title) = 0;  // groups what follows, in the example file
  virtual void text(const About& about, std::string& field) = 0;
  virtual void secret(const About& about, Secret& field) = 0;
  virtual void whole(const About& about, std::int64_t& field, Allowed allowed) = 0;
  virtual void optional_whole(const About& about, std::optional<std::int64_t>& field, Allowed allowed) = 0;
  virtual void flag(const About& about, bool& field) = 0;
  virtual void choice(const About& about, std::string& field, const std::vector<std::string_view>& words) = 0;
  virtual void url(const About& about, std::string& field, UrlRule rule) = 0;
};

}  // namespace sluice::config
