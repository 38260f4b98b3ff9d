#include <csignal>

#include <doctest/doctest.h>

#include "tests/support/process.hpp"

namespace sluice {

TEST_CASE("a program that hangs names the case and its threads before its time is up") {
  const auto ended = run_process({.program = HANGING_PROGRAM, .environment = {{"TEST_SECONDS_MAX", "1"}}});

  CHECK(ended.code == 128 + SIGABRT);
  CHECK(ended.err.find("it is in the case 'waits for ever', for ") != std::string::npos);
  CHECK(ended.err.find("hanging_program") != std::string::npos);
}

}  // namespace sluice
