#include "common/store/outcomes.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/store/people.hpp"

namespace sluice::store {
namespace {

constexpr std::array all_terms{Term::in_flight, Term::unknown, Term::human,        Term::suppressed,
                               Term::expired,   Term::sent,    Term::dead_lettered};

OutcomeWord word(std::string_view root, Term term, std::int64_t when = 10, std::string part = {}) {
  return {.tenant = tenant("bakery"),
          .root = event_id(root),
          .term = term,
          .reason = fmt::format("because {}", name_of(term)),
          .at = at(when),
          .part = std::move(part)};
}

void say(StoreWorld& world, const OutcomeWord& said) {
  world.sure(record_outcome(world.database(), said));
}

void run_rows(StoreWorld& world, std::vector<db::Statement> statements) {
  db::Batch batch;
  batch.statements = std::move(statements);
  world.sure(std::move(batch));
}

Term term(StoreWorld& world, std::string_view root) {
  const auto found = world.sure(find_outcome(world.database(), tenant("bakery"), event_id(root)));
  REQUIRE(found.has_value());
  return found->term;
}

}  // namespace

TEST_CASE("an outcome is found as it was told") {
  in_every_world([](StoreWorld& world) {
    CHECK_FALSE(world.sure(find_outcome(world.database(), tenant("bakery"), event_id("root"))).has_value());

    say(world, word("root", Term::human, 10));

    CHECK(world.sure(find_outcome(world.database(), tenant("bakery"), event_id("root"))) ==
          RootOutcome{event_id("root").text(), Term::human, "because human", at(10)});
  });
}

TEST_CASE("only a word that says more changes an outcome") {
  const auto weight = [](Term of) {
    if (of == Term::in_flight) return 0;
    if (of == Term::unknown) return 1;
    return of == Term::sent ? 3 : 2;
  };
  in_every_world([&](StoreWorld& world) {
    for (const auto first : all_terms) {
      for (const auto second : all_terms) {
        const auto root = fmt::format("{} then {}", name_of(first), name_of(second));
        CAPTURE(root);
        say(world, word(root, first));
        say(world, word(root, second));

        CHECK(term(world, root) == (weight(second) > weight(first) ? second : first));
      }
    }
  });
}

TEST_CASE("what could not be delivered is suppressed whatever is said before or after") {
  in_every_world([](StoreWorld& world) {
    auto undeliverable = word("root", Term::sent, 20);
    undeliverable.reason = "undeliverable(30003)";
    say(world, word("root", Term::sent, 10));

    run_rows(world, undeliverable_rows(undeliverable));
    say(world, word("root", Term::sent, 30));
    say(world, word("root", Term::dead_lettered, 40));

    CHECK(world.sure(find_outcome(world.database(), tenant("bakery"), event_id("root"))) ==
          RootOutcome{event_id("root").text(), Term::suppressed, "undeliverable(30003)", at(20)});
  });
}

TEST_CASE("a replay takes a dead letter back to in flight and nothing else") {
  in_every_world([](StoreWorld& world) {
    for (const auto first : all_terms) {
      const std::string root{name_of(first)};
      CAPTURE(root);
      say(world, word(root, first));
      run_rows(world, reopened_rows(tenant("bakery"), event_id(root), at(20)));
      CHECK(term(world, root) == (first == Term::dead_lettered ? Term::in_flight : first));
    }
    run_rows(world, reopened_rows(tenant("bakery"), event_id("nobody"), at(20)));
    CHECK_FALSE(world.sure(find_outcome(world.database(), tenant("bakery"), event_id("nobody"))).has_value());

    say(world, word("dead_lettered", Term::suppressed, 30));
    CHECK(term(world, "dead_lettered") == Term::suppressed);
  });
}

TEST_CASE("an event that is done in parts counts by its worst part") {
  in_every_world([](StoreWorld& world) {
    say(world, word("root", Term::in_flight, 1, "text"));
    say(world, word("root", Term::in_flight, 1, "file"));
    say(world, word("root", Term::sent, 10, "text"));
    CHECK(term(world, "root") == Term::in_flight);
    say(world, word("root", Term::dead_lettered, 20, "file"));
    CHECK(term(world, "root") == Term::dead_lettered);

    run_rows(world, reopened_rows(tenant("bakery"), event_id("root"), at(30), "file"));
    CHECK(term(world, "root") == Term::in_flight);
    say(world, word("root", Term::sent, 40, "file"));

    CHECK(world.sure(find_outcome(world.database(), tenant("bakery"), event_id("root")))->at == at(10));
    CHECK(term(world, "root") == Term::sent);
  });
}

TEST_CASE("parts are compared from the worst on") {
  in_every_world([](StoreWorld& world) {
    const std::vector worse{Term::sent,    Term::suppressed,    Term::human,    Term::expired,
                            Term::unknown, Term::dead_lettered, Term::in_flight};
    for (std::size_t place = 0; place + 1 < worse.size(); ++place) {
      const auto root = fmt::format("root {}", place);
      say(world, word(root, worse[place], 10, "a"));
      say(world, word(root, worse[place + 1], 10, "b"));
      CHECK(term(world, root) == worse[place + 1]);
    }
  });
}

TEST_CASE("two tenants with the same event have an outcome each") {
  in_every_world([](StoreWorld& world) {
    auto theirs = word("root", Term::sent);
    theirs.tenant = tenant("florist");
    auto their_part = word("parts", Term::dead_lettered, 10, "a");
    their_part.tenant = tenant("florist");
    say(world, word("root", Term::dead_lettered));
    say(world, word("parts", Term::sent, 10, "a"));
    say(world, theirs);
    say(world, their_part);
    run_rows(world, reopened_rows(tenant("florist"), event_id("root"), at(20)));

    CHECK(term(world, "root") == Term::dead_lettered);
    CHECK(term(world, "parts") == Term::sent);
    CHECK(world.sure(count_outcomes(world.database(), tenant("florist"))) ==
          std::map<Term, std::int64_t>{{Term::sent, 1}, {Term::dead_lettered, 1}});
    CHECK(world.sure(list_outcomes(world.database(), tenant("bakery"))).size() == 2);
  });
}

TEST_CASE("outcomes are counted by term and listed page by page") {
  in_every_world([](StoreWorld& world) {
    for (int number = 0; number < 5; ++number)
      say(world, word(fmt::format("root {}", number), number < 2 ? Term::sent : Term::human));

    std::vector<std::string> roots;
    while (true) {
      const auto page = world.sure(
          list_outcomes(world.database(), tenant("bakery"), roots.empty() ? std::string{} : roots.back(), 2));
      if (page.empty()) break;
      for (const auto& outcome : page) roots.push_back(outcome.root);
    }

    CHECK(world.sure(count_outcomes(world.database(), tenant("bakery"))) ==
          std::map<Term, std::int64_t>{{Term::sent, 2}, {Term::human, 3}});
    CHECK(roots.size() == 5);
    CHECK(std::ranges::is_sorted(roots));
  });
}

TEST_CASE("old outcomes are forgotten with their parts and what is in flight stays") {
  in_every_world([](StoreWorld& world) {
    say(world, word("in flight", Term::in_flight, 1));
    say(world, word("oldest", Term::sent, 10, "a"));
    say(world, word("oldest", Term::sent, 10, "b"));
    say(world, word("old", Term::sent, 20));
    say(world, word("young", Term::sent, 30, "a"));

    CHECK(world.sure(forget_outcomes(world.database(), at(30), 1)) == 1);
    CHECK(world.count("SELECT count(*) FROM outcome_parts") == 1);
    CHECK(world.sure(forget_outcomes(world.database(), at(30), 10)) == 1);
    CHECK(world.sure(forget_outcomes(world.database(), at(30), 10)) == 0);

    CHECK(term(world, "in flight") == Term::in_flight);
    CHECK(term(world, "young") == Term::sent);
  });
}

namespace {

Task<> tell(db::Database& database, OutcomeWord said) {
  auto telling = record_outcome(database, std::move(said));
  const auto told = co_await std::move(telling);
  REQUIRE_MESSAGE(told.has_value(), told.error().sentence);
}

}  // namespace

TEST_CASE("parts that end at the same moment in two processes leave the worst of them") {
  in_every_world([](StoreWorld& world) {
    const auto other = world.another();
    std::vector<Task<>> tasks;
    for (int round = 0; round < 50; ++round) {
      const auto root = fmt::format("root {}", round);
      tasks.push_back(tell(world.database(), word(root, Term::dead_lettered, 10, "a")));
      tasks.push_back(tell(*other, word(root, Term::sent, 10, "b")));
    }

    world.run_all(std::move(tasks));

    for (int round = 0; round < 50; ++round) CHECK(term(world, fmt::format("root {}", round)) == Term::dead_lettered);
    world.run(other->close());
  });
}

}  // namespace sluice::store
