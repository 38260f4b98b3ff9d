// The words of every command.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "common/telemetry/version.hpp"
#include "ops/command.hpp"
#include "ops/migrate.hpp"
#include "ops/status.hpp"
#include "ops/topics.hpp"

namespace sluice::ops {
namespace {

std::string settings_told(const config::Reading& reading) {
  std::string text;
  for (const auto& line : config::described(reading)) text += line + "\n";
  return text.empty() ? "everything is at its default, see `sluice settings --example`\n" : text;
}

// The options of all commands, and the parser that fills them.
struct CommandLine {
  CLI::App app{"Takes the messages that customers send to a business, answers them, files them, and never loses one.",
               "sluice"};
  bool json = false;
  bool only_status = false;
  bool example = false;
  CLI::App* up = app.add_subcommand("up", "run everything in this process");
  CLI::App* web = app.add_subcommand(
      "web", "what a platform starts as its web process: with KAFKA_BROKERS the ingress alone, else all of `up`");
  CLI::App* status = app.add_subcommand("status", "one screen of what is going on");
  CLI::App* topics = app.add_subcommand("topics", "what the log holds");
  CLI::App* topics_list = topics->add_subcommand("list", "topics with their partitions, retention, records and lag");
  CLI::App* topics_create = topics->add_subcommand("create", "make the topics that are missing");
  CLI::App* migrate_tables = app.add_subcommand("migrate", "bring the tables to this release");
  CLI::App* settings = app.add_subcommand("settings", "what differs from the defaults, secrets masked");

  CommandLine() {
    app.set_version_flag("--version", std::string{build_version()});
    app.require_subcommand(1);
    app.footer("Every setting of .env.example is also a flag: PORT is --port.\nExit codes: see ops/README.md.");
    topics->require_subcommand(1);
    for (auto* listing : {status, topics_list, migrate_tables})
      listing->add_flag("--json", json, "one JSON object per line");
    migrate_tables->add_flag("--status", only_status, "only say which migrations are there and which are missing");
    settings->add_flag("--example", example, "print .env.example");
  }

  // The parser says of an unknown word only that a command is missing.
  [[nodiscard]] std::string what_is_wrong(const std::vector<std::string>& arguments,
                                          const CLI::ParseError& wrong) const {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(command->get_name());
    const bool word = !arguments.empty() && !arguments.front().starts_with("-");
    if (!word || std::find(names.begin(), names.end(), arguments.front()) != names.end()) return wrong.what();
    return fmt::format("found {}, allowed are {}", arguments.front(), fmt::join(names, ", "));
  }

  [[nodiscard]] Parsed chosen(const config::Reading& reading) const {
    using Does = Parsed::Does;
    if (*settings) return {.does = Does::answer, .out = example ? config::example_file() : settings_told(reading)};
    if (*up || *web) return {.does = Does::serve};
    if (*status)
      return {.does = Does::work,
              .work = [json = json](CommandContext& context) { return show_status(context, json); }};
    if (*topics_list)
      return {.does = Does::work,
              .work = [json = json](CommandContext& context) { return list_topics(context, json); }};
    if (*topics_create) return {.does = Does::work, .work = create_topics};
    if (only_status)
      return {.does = Does::work,
              .work = [json = json](CommandContext& context) { return show_migrations(context, json); }};
    return {.does = Does::work, .work = migrate};
  }
};

}  // namespace

Parsed parse_command_line(const std::vector<std::string>& arguments, const config::Reading& reading) {
  CommandLine line;
  try {
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // this parser wants them backwards
  } catch (const CLI::Success& asked) {                                              // --help, --version
    std::ostringstream out;
    std::ostringstream err;
    line.app.exit(asked, out, err);
    return {.exit = Exit::fine, .out = out.str()};
  } catch (const CLI::ParseError& wrong) {
    return {.exit = Exit::usage,
            .err = fmt::format("sluice: {}; see sluice --help\n", line.what_is_wrong(arguments, wrong))};
  }
  return line.chosen(reading);
}

Exit refuse(Output& output, const Failure& failure) {
  output.err(fmt::format("sluice: {}\n", failure.sentence));
  return exit_of(failure.kind);
}

}  // namespace sluice::ops
