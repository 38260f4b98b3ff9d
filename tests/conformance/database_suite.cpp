#include "tests/conformance/database_suite.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <string>

#include <doctest/doctest.h>

namespace sluice::db::conformance {
namespace {

#define SLUICE_DATABASE_CASE_NAME(function, sentence) #function,
constexpr std::array case_names = std::to_array<std::string_view>({SLUICE_DATABASE_CASES(SLUICE_DATABASE_CASE_NAME)});
#undef SLUICE_DATABASE_CASE_NAME

[[noreturn]] void cannot(std::string_view what) {
  FAIL("this world cannot ", std::string{what}, " and its list of exceptions doesn't say so");
  std::abort();  // FAIL throws; the compiler doesn't know
}

}  // namespace

std::unique_ptr<Database> DatabaseWorld::another() {
  cannot("open the store as another process");
}
Task<> DatabaseWorld::narrow() {
  cannot("narrow its bounds");
}
Task<> DatabaseWorld::go_away() {
  cannot("take its store away");
}
Task<> DatabaseWorld::come_back() {
  cannot("bring its store back");
}

void play(MakeWorld make, std::span<const Exception> exceptions, std::string_view name, Case story) {
  const auto stated = std::ranges::find(exceptions, name, &Exception::name);
  if (stated != exceptions.end()) {
    MESSAGE("not played here: ", std::string{stated->reason});
    return;
  }
  const auto world = make();
  world->run(story(*world));
}

void check_exceptions(std::string_view world, std::span<const Exception> exceptions) {
  std::set<std::string_view> named;
  for (const auto& exception : exceptions) {
    CAPTURE(std::string{exception.name});
    CHECK(std::ranges::find(case_names, exception.name) != case_names.end());
    CHECK(named.insert(exception.name).second);
    CHECK_FALSE(exception.reason.empty());
  }
  MESSAGE(std::string{world}, ": ", case_names.size() - named.size(), " of ", case_names.size(), " cases played, ",
          named.size(), " stated as impossible here");
}

}  // namespace sluice::db::conformance
