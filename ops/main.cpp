// The sluice command: settings, the command line, and then one of three things: an answer, a serving process, a piece
// of work.
#include <fmt/format.h>

#include "common/process/signals.hpp"
#include "ops/command.hpp"
#include "ops/process_output.hpp"
#include "ops/serve.hpp"
#include "ops/work.hpp"

namespace {

using namespace sluice;
using ops::Exit;
using ops::Parsed;

Exit tell_mistakes(const std::vector<std::string>& mistakes, Exit code, Output& output) {
  for (const auto& mistake : mistakes) output.err(fmt::format("sluice: {}\n", mistake));
  return code;
}

Exit run(const std::vector<std::string>& arguments, Output& output) {
  const auto flags = config::take_flags(arguments);
  if (!flags.mistakes.empty()) return tell_mistakes(flags.mistakes, Exit::usage, output);
  const config::Sources sources{.flags = flags.values, .environment = config::environment_of_this_process()};
  const bool serves = !flags.rest.empty() && (flags.rest.front() == "up" || flags.rest.front() == "web");
  const auto reading = config::read_settings(sources, serves ? config::Program::up : config::Program::command);

  const Parsed parsed = ops::parse_command_line(flags.rest, reading);
  if (parsed.does == Parsed::Does::answer) {
    output.out(parsed.out);
    output.err(parsed.err);
    return parsed.exit;
  }
  if (!reading.mistakes.empty()) return tell_mistakes(reading.mistakes, Exit::configuration, output);
  if (parsed.does == Parsed::Does::serve) {
    const auto& pools = workers::all_pools();
    return ops::serve(reading, {.pools = pools, .names = pools.names()}, output);
  }
  return ops::work(parsed, flags.rest, reading, output);
}

}  // namespace

int main(int count, char** arguments) {
  prepare_process();
  ops::ProcessOutput output;
  return static_cast<int>(run({arguments + 1, arguments + count}, output));
}
