// sluice-bench [NAME] [--json] [--pairs N]: prints a figure as soon as it is measured.
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "tests/bench/bench.hpp"

int main(int count, char** arguments) {
  sluice::bench::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument{arguments[i]};
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--pairs" && i + 1 < count) {
      options.pairs = std::atoi(arguments[++i]);
    } else if (!argument.starts_with("-") && options.only.empty()) {
      options.only = argument;
    } else {
      fmt::print(stderr, "sluice-bench: found {}, allowed are [NAME] [--json] [--pairs N]\n", argument);
      return 64;
    }
  }
  if (options.pairs < 1) {
    fmt::print(stderr, "sluice-bench: --pairs: allowed is a whole number from 1 on; figures want at least 5\n");
    return 64;
  }
  sluice::bench::Report report{options};
  report.heading();
  sluice::bench::loop_bench(report);
  sluice::bench::event_bench(report);
  sluice::bench::sqlite_bench(report);
  sluice::bench::database_bench(report);
  sluice::bench::engine_bench(report);
  sluice::bench::engine_kafka_bench(report);
  sluice::bench::engine_handover_bench(report);
  sluice::bench::kafka_bench(report);
  return 0;
}
