// A reporter of doctest that says nothing: who wants to hear of one thing overrides that.
#pragma once

#include <doctest/doctest.h>

namespace sluice {

struct SilentReporter : doctest::IReporter {
  void report_query(const doctest::QueryData& /*query*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& /*run*/) override {}
  void test_case_start(const doctest::TestCaseData& /*begun*/) override {}
  void test_case_reenter(const doctest::TestCaseData& /*again*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*ended*/) override {}
  void test_case_exception(const doctest::TestCaseException& /*thrown*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*begun*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& /*assertion*/) override {}
  void log_message(const doctest::MessageData& /*message*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*skipped*/) override {}
};

}  // namespace sluice
