// Plays the whole suite once for each way to break a promise: every one of them must make some case fail, and the sound
// log none.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/conformance/log_broken.hpp"
#include "tests/conformance/log_simulated_world.hpp"

namespace sluice {

std::uint64_t test_seed() {
  return 1;
}

}  // namespace sluice

namespace sluice::conformance {

namespace {

Mutation mutation = Mutation::none;
std::vector<std::string> failed_cases;

class BrokenWorld final : public AtomicSimulatedLogWorld {
 public:
  Log& log() override { return *broken_; }
  // Enough for a session to end; a broken log makes many cases wait in vain.
  [[nodiscard]] Duration patience() const override { return std::chrono::seconds{15}; }
  Task<> reopen() override {
    co_await AtomicSimulatedLogWorld::reopen();
    broken_ = std::make_unique<BrokenLog>(*log_, clock(), mutation);
  }
  Task<> crash() override {
    co_await AtomicSimulatedLogWorld::crash();
    broken_ = std::make_unique<BrokenLog>(*log_, clock(), mutation);
  }

 private:
  std::unique_ptr<BrokenLog> broken_ = std::make_unique<BrokenLog>(*log_, clock(), mutation);
};

constexpr Exception cannot[] = {{"atomic_is_refused", "this world is atomic"}};

std::unique_ptr<LogWorld> broken_world() {
  return std::make_unique<BrokenWorld>();
}

#define PLAY(function, sentence)                     \
  TEST_CASE(sentence) {                              \
    play(broken_world, cannot, #function, function); \
  }
SLUICE_LOG_CASES(PLAY)
#undef PLAY

// Notes the names of the cases that fail.
struct Notes : doctest::IReporter {
  explicit Notes(const doctest::ContextOptions& /*options*/) {}
  void report_query(const doctest::QueryData& /*data*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& /*stats*/) override {}
  void test_case_start(const doctest::TestCaseData& data) override { name = data.m_name; }
  void test_case_reenter(const doctest::TestCaseData& /*data*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (stats.failure_flags != 0) failed_cases.push_back(name);
  }
  void test_case_exception(const doctest::TestCaseException& /*exception*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*signature*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& /*data*/) override {}
  void log_message(const doctest::MessageData& /*data*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*data*/) override {}

  std::string name;
};
REGISTER_LISTENER("notes", 1, Notes);

struct Broken {
  Mutation mutation;
  std::string_view sentence;
};
#define SLUICE_LOG_MUTATION(name, sentence) {Mutation::name, sentence},
constexpr Broken all_mutations[] = {SLUICE_LOG_MUTATIONS(SLUICE_LOG_MUTATION)};
#undef SLUICE_LOG_MUTATION

// How many cases fail. What they say is of interest to nobody.
std::size_t play_all(Mutation with) {
  mutation = with;
  failed_cases.clear();
  std::ostringstream unread;
  doctest::Context context;
  context.setCout(&unread);
  context.run();
  return failed_cases.size();
}

bool suite_bites() {
  bool bites = play_all(Mutation::none) == 0;
  std::cout << std::unitbuf
            << (bites ? "the sound log passes\n" : "the sound log fails: " + failed_cases.front() + "\n");
  for (const auto& broken : all_mutations) {
    const auto failed = play_all(broken.mutation);
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

}  // namespace

}  // namespace sluice::conformance

int main() {
  return sluice::conformance::suite_bites() ? 0 : 1;
}
