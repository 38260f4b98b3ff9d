// A real worker with the pool of a storm. Called as the real programs are: `storm_worker up`, or
// `storm_worker worker POOL`; its runs are noted in the file STORM_MARKS.
#include <cstdlib>

#include "common/base/ensure.hpp"
#include "common/config/read.hpp"
#include "common/process/signals.hpp"
#include "ops/process_output.hpp"
#include "ops/serve.hpp"
#include "ops/worker.hpp"
#include "tests/storm/storm_pool.hpp"

int main(int count, char** arguments) {
  using namespace sluice;
  prepare_process();
  ops::ProcessOutput output;
  const std::vector<std::string> words{arguments + 1, arguments + count};
  const char* marks = std::getenv("STORM_MARKS");
  ENSURE(marks != nullptr && !words.empty(), "storm_worker knows what to do and where to note it");
  const auto pools = storm::storm_pools(marks);
  if (words.front() == "worker")
    return static_cast<int>(ops::run_worker({words.begin() + 1, words.end()}, pools, output));
  const config::Sources sources{.environment = config::environment_of_this_process()};
  const auto reading = config::read_settings(sources, config::Program::up);
  return static_cast<int>(ops::serve(reading, {.pools = pools, .names = pools.names()}, output));
}
