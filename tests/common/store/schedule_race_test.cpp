#include "common/store/schedule.hpp"

#include <map>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/store/planned.hpp"

namespace sluice::store {
namespace {

constexpr std::chrono::milliseconds lease{30'000};
constexpr int conversations = 40;
constexpr int events_each = 5;

struct Race {
  std::map<std::string, std::vector<std::string>> fired_of;  // conversation -> events in the order of their firing
  std::set<std::string> claimed_now;
};

Task<> claim_and_fire(db::Database& database, std::string owner, Race& race, Clock& clock, Random& random) {
  int nothing = 0;
  while (nothing < 3) {
    auto claiming = claim_due(database, "send", at(1000), owner, lease, 1 + static_cast<std::int64_t>(random.below(7)));
    const auto claimed = co_await std::move(claiming);
    REQUIRE_MESSAGE(claimed.has_value(), claimed.error().sentence);
    nothing = claimed->empty() ? nothing + 1 : 0;
    for (const auto& event : *claimed) {
      CHECK_MESSAGE(race.claimed_now.insert(event.record.key).second, "two of one conversation are claimed at once");
      race.fired_of[event.record.key].push_back(event.event);
    }
    auto pause = clock.sleep_for(random.between(std::chrono::milliseconds{0}, std::chrono::milliseconds{2}));
    co_await std::move(pause);
    for (const auto& event : *claimed) race.claimed_now.erase(event.record.key);
    auto firing = fired(database, *claimed, at(1000));
    const auto done = co_await std::move(firing);
    REQUIRE_MESSAGE(done.has_value(), done.error().sentence);
  }
}

}  // namespace

TEST_CASE("processes that claim at once fire each event once and each conversation in its order") {
  in_every_world([](StoreWorld& world) {
    std::map<std::string, std::vector<std::string>> expected;
    db::Batch batch;
    for (int number = 0; number < conversations * events_each; ++number) {
      const auto theirs = fmt::format("+31600000{:03}", number % conversations);
      const auto id = fmt::format("id{}", number);
      const auto event = planned({.theirs = theirs, .id = id, .offset = number, .due = number / conversations});
      expected[event.record.key].push_back(event.id());
      batch.statements.push_back(event.row());
    }
    world.sure(std::move(batch));
    Race race;
    const auto second = world.another();
    const auto third = world.another();

    std::vector<Task<>> processes;
    processes.push_back(claim_and_fire(world.database(), "a", race, world.clock(), world.random));
    processes.push_back(claim_and_fire(*second, "b", race, world.clock(), world.random));
    processes.push_back(claim_and_fire(*third, "c", race, world.clock(), world.random));
    world.run_all(std::move(processes));

    CHECK(race.fired_of == expected);
    CHECK(world.count("SELECT count(*) FROM schedule WHERE state <> 'fired'") == 0);
    world.run(second->close());
    world.run(third->close());
  });
}

}  // namespace sluice::store
