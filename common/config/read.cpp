#include "common/config/read.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "common/config/parse.hpp"
#include "common/config/rules.hpp"

namespace sluice::config {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{64} << 10U;

Result<std::string> read_from_disk(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(Kind::not_found, "the file cannot be read");
  std::string content(file_bytes_max + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > file_bytes_max) return fail(Kind::invalid, "the file is larger than 64 KB");
  return content;
}

// Walks over the declarations with the sources in hand.
class Reader final : public Fields {
 public:
  Reader(const Sources& sources, Reading& reading) : sources_(sources), reading_(reading) {}

  void section(std::string_view) override {}
  void text(const About& about, std::string& field) override {
    if (auto found = value_of(about)) field = std::move(*found);
  }
  void secret(const About& about, Secret& field) override {
    if (auto found = value_of(about)) field = Secret{std::move(*found)};
  }
  void whole(const About& about, std::int64_t& field, Allowed allowed) override {
    if (const auto found = value_of(about)) keep(about, field, parse_whole(*found, allowed));
  }
  void optional_whole(const About& about, std::optional<std::int64_t>& field, Allowed allowed) override {
    if (const auto found = value_of(about)) keep(about, field, parse_whole(*found, allowed));
  }
  void flag(const About& about, bool& field) override {
    if (const auto found = value_of(about)) keep(about, field, parse_flag(*found));
  }
  void choice(const About& about, std::string& field, const std::vector<std::string_view>& words) override {
    if (const auto found = value_of(about)) keep(about, field, parse_choice(*found, words));
  }
  void url(const About& about, std::string& field, UrlRule rule) override {
    if (const auto found = value_of(about)) keep(about, field, parse_url(*found, rule));
  }

  [[nodiscard]] const std::set<std::string, std::less<>>& names() const { return names_; }

 private:
  template <class Field, class Value>
  void keep(const About& about, Field& field, Result<Value> parsed) {
    if (parsed) {
      field = std::move(*parsed);
    } else {
      mistake(about.name, parsed.error().sentence);
    }
  }

  void mistake(std::string_view name, std::string_view what) {
    reading_.mistakes.push_back(fmt::format("{}: {}", name, what));
  }

  // An empty value counts as not set, as platforms leave empty variables behind.
  std::optional<std::string> value_of(const About& about) {
    auto found = value_under(std::string{about.name});
    if (about.other_name.empty()) return found;
    auto other = value_under(std::string{about.other_name});
    if (found && other && *found != *other) {
      mistake(about.name, fmt::format("contradicts {}, which is the same setting: set one of them", about.other_name));
    }
    return found ? found : other;
  }

  std::optional<std::string> value_under(const std::string& name) {
    names_.insert(name);
    const std::string file_name = name + "_FILE";
    names_.insert(file_name);
    if (const auto flag = find(sources_.flags, name)) return from("flag", name, *flag);
    const auto direct = find(sources_.environment, name);
    const auto path = find(sources_.environment, file_name);
    if (direct && path) mistake(name, fmt::format("is set, and so is {}: set one of them", file_name));
    if (direct) return from("environment", name, *direct);
    if (!path) return std::nullopt;
    auto content = sources_.read_file ? sources_.read_file(*path) : read_from_disk(*path);
    if (!content) {
      mistake(file_name, fmt::format("names a file that gives nothing: {}", content.error().sentence));
      return std::nullopt;
    }
    while (content->ends_with('\n') || content->ends_with('\r')) content->pop_back();
    return from(file_name, name, std::move(*content));
  }

  std::string from(std::string origin, const std::string& name, std::string value) {
    reading_.origins[name] = std::move(origin);
    return value;
  }

  static std::optional<std::string> find(const std::map<std::string, std::string>& values, const std::string& name) {
    const auto found = values.find(name);
    if (found == values.end() || found->second.empty()) return std::nullopt;
    return found->second;
  }

  const Sources& sources_;
  Reading& reading_;
  std::set<std::string, std::less<>> names_;
};

// A misspelt name would silently be a default. Names in our own space must be known; of the spaces that we share with
// other programs (KAFKA_HEAP_OPTS is somebody else's) only what is nearly one of ours is taken for a slip.
void refuse_unknown(const Sources& sources, const std::set<std::string, std::less<>>& names,
                    std::vector<std::string>& mistakes) {
  for (const auto& [name, value] : sources.environment) {
    if (names.contains(name)) continue;
    const bool ours = name.starts_with("SLUICE_");
    const bool shared = name.starts_with("KAFKA_") || name.starts_with("TWILIO_") || name.starts_with("CHATWOOT_");
    if (!ours && !shared) continue;
    const auto nearest = nearest_name(name, names);
    if (!nearest.empty()) {
      mistakes.push_back(fmt::format("{}: no such setting, did you mean {}?", name, nearest));
    } else if (ours) {
      mistakes.push_back(fmt::format("{}: no such setting, see .env.example", name));
    }
  }
}

}  // namespace

Reading read_settings(const Sources& sources, Program program) {
  Reading reading;
  Reader reader{sources, reading};
  reading.settings.declare(reader);
  refuse_unknown(sources, reader.names(), reading.mistakes);
  check_rules(reading.settings, program, reading.mistakes);
  return reading;
}

std::map<std::string, std::string> environment_of_this_process() {
  std::map<std::string, std::string> values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line{*entry};
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) values.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return values;
}

}  // namespace sluice::config
