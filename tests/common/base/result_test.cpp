#include "common/base/result.hpp"

#include <array>
#include <chrono>
#include <set>

#include <doctest/doctest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr std::array kinds{Kind::invalid,    Kind::not_found, Kind::conflict, Kind::overloaded, Kind::unavailable,
                           Kind::maybe_done, Kind::timed_out, Kind::stale,    Kind::exhausted,  Kind::corrupt,
                           Kind::denied,     Kind::stopping,  Kind::ours};

TEST_CASE("every kind has a name of its own") {
  std::set<std::string_view> names;

  for (const auto kind : kinds) names.insert(name_of(kind));

  CHECK(names.size() == kinds.size());
  CHECK(name_of(Kind::maybe_done) == "maybe_done");
}

TEST_CASE("only what certainly had no effect and may work later is worth another attempt") {
  std::set<Kind> passing;

  for (const auto kind : kinds) {
    if (may_pass(kind)) passing.insert(kind);
  }

  CHECK(passing == std::set{Kind::overloaded, Kind::unavailable, Kind::timed_out, Kind::exhausted});
}

TEST_CASE("context is put before the sentence and leaves kind and wait alone") {
  auto failure = Failure{Kind::exhausted, "disk full", 3s}.while_doing("opening the log");

  failure = std::move(failure).while_doing("starting");

  CHECK(failure.sentence == "starting: opening the log: disk full");
  CHECK(failure.kind == Kind::exhausted);
  CHECK(failure.wait == 3000ms);
}

TEST_CASE("a result holds a value or a failure") {
  const Result<int> value = 7;
  const Result<int> failed = fail(Kind::conflict, "somebody was first");
  const Done handed_on = fail(failed.error());

  CHECK(value.value() == 7);
  CHECK(!failed);
  CHECK(failed.error().kind == Kind::conflict);
  CHECK(failed.error().sentence == "somebody was first");
  CHECK(!failed.error().wait);
  CHECK(handed_on.error().kind == Kind::conflict);
  CHECK(Done{}.has_value());
}

}  // namespace
}  // namespace sluice
