#include "ops/worker.hpp"

#include <fmt/format.h>

#include "common/config/read.hpp"
#include "common/telemetry/version.hpp"
#include "ops/serve.hpp"

namespace sluice::ops {
namespace {

constexpr std::string_view help =
    "usage: sluice-worker POOL[,POOL...] [--SETTING VALUE]\n\n"
    "Runs these pools until SIGTERM, on the Kafka and the PostgreSQL of KAFKA_BROKERS and DATABASE_URL. As many of it "
    "as "
    "you like\nshare the pools' partitions. Every setting of .env.example is also a flag: LOG_LEVEL is --log-level.\n"
    "Exit codes: see ops/README.md.\n";

Exit wrong(Output& output, std::string_view sentence) {
  output.err(fmt::format("sluice-worker: {}\n", sentence));
  return Exit::usage;
}

}  // namespace

Exit run_worker(const std::vector<std::string>& arguments, const workers::PoolRegistry& pools, Output& output) {
  const auto flags = config::take_flags(arguments);
  if (!flags.mistakes.empty()) return wrong(output, flags.mistakes.front());
  if (flags.rest.size() != 1) return wrong(output, "name the pools: sluice-worker POOL[,POOL...]");
  const auto& word = flags.rest.front();
  if (word == "--help" || word == "-h") {
    output.out(help);
    return Exit::fine;
  }
  if (word == "--version") {
    output.out(fmt::format("{}\n", build_version()));
    return Exit::fine;
  }
  const auto chosen = pools.chosen(word);
  if (!chosen) return wrong(output, chosen.error().sentence);
  const config::Sources sources{.flags = flags.values, .environment = config::environment_of_this_process()};
  const auto reading = config::read_settings(sources, config::Program::worker);
  for (const auto& mistake : reading.mistakes) output.err(fmt::format("sluice-worker: {}\n", mistake));
  if (!reading.mistakes.empty()) return Exit::configuration;
  return serve(reading, {.pools = pools, .names = *chosen, .workers_alone = true}, output);
}

}  // namespace sluice::ops
