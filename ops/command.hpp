// What a command is: words on a command line, and a task that works on the log and the database wherever it runs: in
// its own process, or inside the serving one when that holds the data folder.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/config/read.hpp"
#include "common/db/database.hpp"
#include "common/log/log.hpp"
#include "common/process/control_socket.hpp"
#include "ops/exit_codes.hpp"
#include "workers/pool_runner.hpp"

namespace sluice::ops {

struct CommandContext {
  const config::Settings& settings;
  log::Log& log;
  db::Database& database;
  Clock& clock;
  Output& output;
  int serving_pid = 0;                          // 0: nobody serves, the command opened the file itself
  std::vector<workers::PoolStatus> pools = {};  // of the serving process
};

// What a command line asks for.
struct Parsed {
  enum class Does : std::uint8_t { answer, serve, work };
  Does does = Does::answer;
  Exit exit = Exit::fine;  // of an answer
  std::string out = {};    // of an answer: help, version, settings
  std::string err = {};
  std::function<Task<Exit>(CommandContext&)> work = {};  // on the open world
};

// `arguments` without the program's name and without settings. Never throws; wrong usage names the right one.
Parsed parse_command_line(const std::vector<std::string>& arguments, const config::Reading& reading);

// One line on stderr and the code that goes with its kind.
Exit refuse(Output& output, const Failure& failure);

}  // namespace sluice::ops
