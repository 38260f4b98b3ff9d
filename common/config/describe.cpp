// Settings told: the flags they are, the lines at start, the example file. All from the same declarations.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/config/read.hpp"

namespace sluice::config {
namespace {

std::string flag_of(std::string_view name) {
  std::string flag = "--";
  for (const char c : name) flag += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return flag;
}

// Base of the two walks that turn every field into one text.
class Teller : public Fields {
 public:
  void section(std::string_view) override {}
  void text(const About& about, std::string& field) override { told(about, field, ""); }
  void secret(const About& about, Secret& field) override {
    told(about, field.empty() ? "" : field.masked(), "secret");
  }
  void whole(const About& about, std::int64_t& field, Allowed allowed) override {
    told(about, fmt::format("{}", field), fmt::format("{} to {}", allowed.min, allowed.max));
  }
  void optional_whole(const About& about, std::optional<std::int64_t>& field, Allowed allowed) override {
    told(about, field ? fmt::format("{}", *field) : "", fmt::format("{} to {}", allowed.min, allowed.max));
  }
  void flag(const About& about, bool& field) override { told(about, field ? "on" : "off", "on or off"); }
  void choice(const About& about, std::string& field, const std::vector<std::string_view>& words) override {
    told(about, field, fmt::format("{}", fmt::join(words, ", ")));
  }
  void url(const About& about, std::string& field, UrlRule) override { told(about, field, ""); }

 protected:
  virtual void told(const About& about, std::string value, std::string allowed) = 0;
};

class Lines final : public Teller {
 public:
  explicit Lines(const Reading& reading) : origins_(reading.origins) {}
  std::vector<std::string> lines;

 private:
  void told(const About& about, std::string value, std::string) override {
    auto origin = origins_.find(std::string{about.name});
    if (origin == origins_.end()) origin = origins_.find(std::string{about.other_name});
    if (origin != origins_.end())
      lines.push_back(fmt::format("{}={} ({})", about.name, scrubbed(value), origin->second));
  }
  const std::map<std::string, std::string>& origins_;
};

class Example final : public Teller {
 public:
  std::string content =
      "# Every setting of Sluice. All are optional: with none of them `sluice up` runs everything in one process, with "
      "a sandbox.\n"
      "# Each is also a flag (PORT is --port), and each can be read from a file (PORT_FILE). Generated; a test keeps "
      "it true.\n";

 private:
  void section(std::string_view title) override { content += fmt::format("\n# --- {}\n", title); }
  void told(const About& about, std::string value, std::string allowed) override {
    content += fmt::format("# {}", about.sentence);
    if (allowed == "secret") {
      content += " Secret.";
    } else if (!allowed.empty()) {
      content += fmt::format(" Allowed: {}.", allowed);
    }
    if (!about.other_name.empty()) content += fmt::format(" Also {}.", about.other_name);
    content += fmt::format("\n#{}={}\n", about.name, value);
  }
};

class Names final : public Teller {
 public:
  std::map<std::string, std::string> by_flag;

 private:
  void told(const About& about, std::string, std::string) override {
    by_flag.emplace(flag_of(about.name), about.name);
    if (!about.other_name.empty()) by_flag.emplace(flag_of(about.other_name), about.other_name);
  }
};

}  // namespace

Flags take_flags(const std::vector<std::string>& arguments) {
  Names names;
  Settings settings;
  settings.declare(names);
  Flags taken;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto equals = argument.find('=');
    const auto known = names.by_flag.find(argument.substr(0, equals));
    if (known == names.by_flag.end()) {
      taken.rest.push_back(argument);
    } else if (equals != std::string::npos) {
      taken.values[known->second] = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      taken.values[known->second] = arguments[++i];
    } else {
      taken.mistakes.push_back(fmt::format("{}: needs a value behind it", argument));
    }
  }
  return taken;
}

std::vector<std::string> described(const Reading& reading) {
  Lines lines{reading};
  Settings copy = reading.settings;  // declare() takes fields that could be written
  copy.declare(lines);
  return std::move(lines.lines);
}

std::string example_file() {
  Example example;
  Settings defaults;
  defaults.declare(example);
  return std::move(example.content);
}

}  // namespace sluice::config
