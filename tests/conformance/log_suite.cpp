#include "tests/conformance/log_suite.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/base/ensure.hpp"

namespace sluice::conformance {

namespace {

#define SLUICE_LOG_CASE_NAME(function, sentence) #function,
constexpr std::array case_names = std::to_array<std::string_view>({SLUICE_LOG_CASES(SLUICE_LOG_CASE_NAME)});
#undef SLUICE_LOG_CASE_NAME

[[noreturn]] void cannot(std::string_view what) {
  FAIL("this world cannot ", std::string{what}, " and its list of exceptions doesn't say so");
  std::abort();  // FAIL throws; the compiler doesn't know
}

}  // namespace

std::unique_ptr<Log> LogWorld::another() {
  cannot("open another process's handle");
}
Task<> LogWorld::narrow() {
  cannot("narrow its bounds");
}
Task<> LogWorld::corrupt(Partition /*partition*/, Offset /*offset*/) {
  cannot("damage a record");
}
Task<> LogWorld::retain() {
  cannot("remove by age and compact on request");
}
Task<Offset> LogWorld::append_foreign(Outgoing /*record*/) {
  cannot("store a record without checksum");
}
db::Database& LogWorld::database() {
  cannot("share transactions with a database");
}

std::string LogWorld::fresh_name(std::string_view what) {
  return fmt::format("{}-{}-{}", run_name(), what, ++names_);
}

Task<std::string> LogWorld::fresh_topic(std::int32_t partitions, TopicSpec spec) {
  spec.name = fresh_name("topic");
  spec.partitions = partitions;
  std::vector<TopicSpec> specs;
  specs.push_back(spec);
  const auto created = co_await log().create_topics(std::move(specs));
  if (!created) FAIL("a fresh topic: ", created.error().sentence);
  co_return spec.name;
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

}  // namespace sluice::conformance
