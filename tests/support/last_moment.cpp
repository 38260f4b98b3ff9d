#include "tests/support/last_moment.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/silent_reporter.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_PRINTS_STACKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLUICE_PRINTS_STACKS
#endif
#endif
#ifdef SLUICE_PRINTS_STACKS
#include <sanitizer/common_interface_defs.h>
#endif

namespace sluice {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr unsigned words_seconds_max = 5;  // for the last words: the handler may hang on a lock of what it interrupted

std::atomic<const char*> current_case = "none";
std::atomic<SteadyClock::rep> case_began = 0;

struct Watcher : SilentReporter {
  explicit Watcher(const doctest::ContextOptions& /*options*/) {}
  void test_case_start(const doctest::TestCaseData& begun) override {
    case_began = SteadyClock::now().time_since_epoch().count();
    current_case = begun.m_name;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& /*ended*/) override { current_case = "none"; }
};

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

void speak(int /*signal*/) {
  std::signal(SIGALRM, SIG_DFL);
  alarm(words_seconds_max);
  const auto spent = SteadyClock::now() - SteadyClock::time_point{SteadyClock::duration{case_began}};
  std::fprintf(stderr, "\nthe time of this program is up; it is in the case '%s', for %lld s\n", current_case.load(),
               static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(spent).count()));
  for (const auto& thread : std::filesystem::directory_iterator{"/proc/self/task"}) {
    std::fprintf(stderr, "  %-16s syscall %s\n", first_line(thread.path() / "comm").c_str(),
                 first_line(thread.path() / "syscall").c_str());
  }
#ifdef SLUICE_PRINTS_STACKS
  __sanitizer_print_stack_trace();
#endif
  std::abort();
}

}  // namespace

DOCTEST_REGISTER_LISTENER("last_moment", 1, Watcher);

void speak_in_the_last_moment() {
  const char* seconds = std::getenv("TEST_SECONDS_MAX");
  if (seconds == nullptr) return;
  std::signal(SIGALRM, speak);
  alarm(static_cast<unsigned>(std::stoul(seconds)));
}

}  // namespace sluice
