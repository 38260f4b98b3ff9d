#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/conformance/bites.hpp"

#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/seed.hpp"
#include "tests/support/silent_reporter.hpp"

namespace sluice {

std::uint64_t test_seed() {
  return 1;
}

namespace {

std::vector<std::string> failed_cases;

// Notes the names of the cases that fail.
struct Notes : SilentReporter {
  explicit Notes(const doctest::ContextOptions& /*options*/) {}
  void test_case_start(const doctest::TestCaseData& data) override { name = data.m_name; }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (stats.failure_flags != 0) failed_cases.push_back(name);
  }

  std::string name;
};
REGISTER_LISTENER("notes", 1, Notes);

// How many cases fail. What they say is of interest to nobody.
std::size_t play_all() {
  failed_cases.clear();
  std::ostringstream unread;
  doctest::Context context;
  context.setCout(&unread);
  context.run();
  return failed_cases.size();
}

}  // namespace

bool suite_bites(std::string_view sound, const std::vector<Breakage>& all) {
  bool bites = play_all() == 0;
  std::cout << std::unitbuf << "the sound " << sound
            << (bites ? " passes\n" : " fails: " + failed_cases.front() + "\n");
  for (const auto& broken : all) {
    broken.break_it();
    const auto failed = play_all();
    std::cout << broken.sentence << ": ";
    if (failed == 0) {
      std::cout << "NOBODY NOTICES\n";
      bites = false;
    } else {
      std::cout << failed << " cases fail, the first is '" << failed_cases.front() << "'\n";
    }
  }
  return bites;
}

}  // namespace sluice
