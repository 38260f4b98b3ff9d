// Settings from flag, environment and NAME_FILE, in this order. All mistakes are found at once, each in one line that
// says which setting, what was found, what is allowed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/config/settings.hpp"

namespace sluice::config {

struct Sources {
  std::map<std::string, std::string> flags = {};  // by environment name: "PORT" for --port
  std::map<std::string, std::string> environment = {};
  std::function<Result<std::string>(const std::string& path)> read_file = {};  // for NAME_FILE; none: from the disk
};

// Which program starts: the split form's programs need what one process does not.
enum class Program : std::uint8_t { up, ingress, worker, command };

struct Reading {
  Settings settings;
  std::vector<std::string> mistakes;  // empty: fit to start. Otherwise exit 78, one line each
  std::map<std::string, std::string>
      origins;  // where a value that is not the default came from: "flag", "environment", "PORT_FILE"
};

Reading read_settings(const Sources& sources, Program program);

// The process's own environment.
std::map<std::string, std::string> environment_of_this_process();

// "--port 8090", "--port=8090" out of the arguments, when they name a setting. `rest` keeps what is not a setting.
struct Flags {
  std::map<std::string, std::string> values;
  std::vector<std::string> rest;
  std::vector<std::string> mistakes;
};
Flags take_flags(const std::vector<std::string>& arguments);

// One line per setting that differs from its default, secrets masked, with where it came from.
std::vector<std::string> described(const Reading& reading);

// The content of .env.example.
std::string example_file();

}  // namespace sluice::config
