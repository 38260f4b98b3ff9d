#include "common/process/signals.hpp"

#include <csignal>

#include <doctest/doctest.h>

#include "tests/support/run.hpp"

namespace sluice {

TEST_CASE("a stop that is asked for before anybody waits for it is heard") {
  Loop loop;
  StopSignals stop{loop};

  std::raise(SIGTERM);
  const int which = run_task(loop, stop.wait());

  CHECK(which == SIGTERM);
  std::signal(SIGTERM, SIG_DFL);  // a second one would end the process
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace sluice
