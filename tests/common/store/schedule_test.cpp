#include "common/store/schedule.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/store/planned.hpp"

namespace sluice::store {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds claim_lease{30'000};

std::vector<std::string> ids(const std::vector<ClaimedEvent>& events) {
  std::vector<std::string> found;
  for (const auto& event : events) found.push_back(event.event);
  return found;
}

std::vector<std::string> ids(const std::vector<Planned>& events) {
  std::vector<std::string> found;
  for (const auto& event : events) found.push_back(event.id());
  return found;
}

std::vector<ClaimedEvent> claim(StoreWorld& world, std::int64_t now, std::string owner = "a", std::int64_t limit = 10) {
  return world.sure(claim_due(world.database(), "send", at(now), std::move(owner), claim_lease, limit));
}

void fire(StoreWorld& world, const std::vector<ClaimedEvent>& claimed, std::int64_t now) {
  world.sure(fired(world.database(), claimed, at(now)));
}

}  // namespace

TEST_CASE("a due event is claimed with its record byte for byte and one that is not due stays") {
  in_every_world([](StoreWorld& world) {
    const auto due = planned({.id = "due", .due = 1000});
    const auto later = planned({.theirs = "+31600000002", .id = "later", .due = 1001});
    world.sure(due.row());
    world.sure(later.row());

    const auto before = claim(world, 999);
    const auto claimed = claim(world, 1000);

    CHECK(before.empty());
    REQUIRE(ids(claimed) == ids({due}));
    CHECK(claimed.front().record == due.record);
    CHECK(claimed.front().tenant == "bakery");
    CHECK(claimed.front().pool == "send");
    CHECK(claimed.front().due == at(1000));
    CHECK(event::decode(claimed.front().record) == due.event);
  });
}

TEST_CASE("what is claimed is claimed by nobody else until its lease is over") {
  in_every_world([](StoreWorld& world) {
    world.sure(planned({}).row());

    const auto first = claim(world, 1000, "a");
    const auto meanwhile = claim(world, 1000 + claim_lease.count() - 1, "b");
    const auto afterwards = claim(world, 1000 + claim_lease.count(), "b");

    CHECK(first.size() == 1);
    CHECK(meanwhile.empty());
    CHECK(ids(afterwards) == ids(first));
  });
}

TEST_CASE("what has fired is not claimed again and scheduling it by a redelivery while pending changes nothing") {
  in_every_world([](StoreWorld& world) {
    const auto event = planned({});
    auto again = event;
    again.due = at(5);
    world.sure(event.row());
    world.sure(again.row());

    const auto early = claim(world, 999);
    const auto claimed = claim(world, 1000);
    fire(world, claimed, 1001);
    const auto much_later = claim(world, 10'000'000);

    CHECK(early.empty());
    CHECK(claimed.size() == 1);
    CHECK(much_later.empty());
  });
}

TEST_CASE("an event that fired and must wait once more fires once more") {
  in_every_world([](StoreWorld& world) {
    auto event = planned({});
    world.sure(event.row());
    fire(world, claim(world, 1000), 1000);

    event.due = at(2000);
    world.sure(event.row());

    CHECK(claim(world, 1999).empty());
    const auto again = claim(world, 2000);
    REQUIRE(again.size() == 1);
    CHECK(again.front().record == event.record);
  });
}

TEST_CASE("an event that must wait once more before it was marked as fired is not lost") {
  in_every_world([](StoreWorld& world) {
    auto event = planned({});
    world.sure(event.row());
    const auto claimed = claim(world, 1000);

    event.due = at(2000);
    world.sure(event.row());
    fire(world, claimed, 1500);

    CHECK(claim(world, 1999).empty());
    CHECK(claim(world, 2000).size() == 1);
  });
}

TEST_CASE("marking as fired counts also when the lease was over and somebody else has claimed") {
  in_every_world([](StoreWorld& world) {
    world.sure(planned({}).row());
    const auto slow = claim(world, 1000, "slow");
    const auto quick = claim(world, 1000 + claim_lease.count(), "quick");

    fire(world, slow, 40'000);
    fire(world, quick, 41'000);

    CHECK(quick.size() == 1);
    CHECK(claim(world, 10'000'000).empty());
  });
}

TEST_CASE("events of one conversation are claimed one after the other by due time and then by origin") {
  in_every_world([](StoreWorld& world) {
    const auto third = planned({.id = "third", .offset = 1, .due = 300});
    const auto second = planned({.id = "second", .offset = 9, .due = 200});
    const auto first = planned({.id = "first", .offset = 8, .due = 200});
    for (const auto& event : {third, second, first}) world.sure(event.row());

    std::vector<std::string> order;
    for (int turn = 0; turn < 3; ++turn) {
      const auto claimed = claim(world, 1000);
      REQUIRE(claimed.size() == 1);
      CHECK(claim(world, 1000, "other").empty());
      order.push_back(claimed.front().event);
      fire(world, claimed, 1000);
    }

    CHECK(order == ids({first, second, third}));
    CHECK(claim(world, 1000).empty());
  });
}

TEST_CASE("a conversation waits for its claimed event and not for another conversation's") {
  in_every_world([](StoreWorld& world) {
    const auto mine = planned({.id = "mine", .due = 100});
    const auto mine_next = planned({.id = "next", .offset = 2, .due = 100});
    const auto other = planned({.theirs = "+31600000002", .id = "other", .due = 200});
    for (const auto& event : {mine, mine_next, other}) world.sure(event.row());

    const auto claimed = claim(world, 1000, "a", 10);

    CHECK(ids(claimed) == ids({mine, other}));
  });
}

TEST_CASE("no more than asked are claimed and the longest due come first") {
  in_every_world([](StoreWorld& world) {
    std::vector<Planned> events;
    for (int number = 0; number < 5; ++number) {
      const auto theirs = fmt::format("+3160000000{}", number);
      const auto id = fmt::format("id{}", number);
      events.push_back(planned({.theirs = theirs, .id = id, .due = 500 - number}));
      world.sure(events.back().row());
    }

    const auto claimed = claim(world, 1000, "a", 2);

    CHECK(ids(claimed) == ids({events[4], events[3]}));
  });
}

TEST_CASE("pools and tenants with the same event do not see each other's schedule") {
  in_every_world([](StoreWorld& world) {
    const auto ours = planned({.tenant = "bakery"});
    const auto theirs = planned({.tenant = "florist"});
    world.sure(ours.row("send"));
    world.sure(ours.row("crm"));
    world.sure(theirs.row("send"));

    const auto unknown = world.sure(cancel_scheduled(world.database(), tenant("bakery"), "send", theirs.id(), at(0)));
    const auto other_tenant =
        world.sure(cancel_scheduled(world.database(), tenant("florist"), "send", ours.id(), at(0)));
    const auto listed = world.sure(list_scheduled(world.database(), tenant("florist")));
    const auto claimed = claim(world, 1000);

    CHECK(unknown == Cancelled::unknown);
    CHECK(other_tenant == Cancelled::unknown);
    REQUIRE(listed.size() == 1);
    CHECK(listed.front().event == theirs.id());
    CHECK(claimed.size() == 2);
    for (const auto& event : claimed) CHECK(event.pool == "send");
  });
}

TEST_CASE("a cancelled event does not fire and frees its followers and stays cancelled") {
  in_every_world([](StoreWorld& world) {
    const auto event = planned({.id = "cancelled", .due = 100});
    const auto follower = planned({.id = "follower", .offset = 2, .due = 100});
    world.sure(event.row());
    world.sure(follower.row());
    const auto cancel = [&] {
      return world.sure(cancel_scheduled(world.database(), tenant("bakery"), "send", event.id(), at(50)));
    };

    const auto first = cancel();
    const auto second = cancel();
    world.sure(event.row());
    const auto claimed = claim(world, 1000);

    CHECK(first == Cancelled::now);
    CHECK(second == Cancelled::now);
    CHECK(ids(claimed) == ids({follower}));
  });
}

TEST_CASE("an event that is being fired or has fired cannot be cancelled") {
  in_every_world([](StoreWorld& world) {
    const auto event = planned({});
    world.sure(event.row());
    const auto cancel = [&] {
      return world.sure(cancel_scheduled(world.database(), tenant("bakery"), "send", event.id(), at(50)));
    };

    const auto claimed = claim(world, 1000);
    const auto while_claimed = cancel();
    fire(world, claimed, 1000);
    const auto when_fired = cancel();

    CHECK(while_claimed == Cancelled::too_late);
    CHECK(when_fired == Cancelled::too_late);
  });
}

TEST_CASE("the next due time is that of the first event that could be claimed or the end of a lease") {
  in_every_world([](StoreWorld& world) {
    const auto next = [&] { return world.sure(next_due(world.database(), "send")); };
    CHECK_FALSE(next().has_value());

    world.sure(planned({.id = "head", .due = 100}).row());
    world.sure(planned({.id = "behind", .offset = 2, .due = 100}).row());
    world.sure(planned({.theirs = "+31600000002", .id = "other", .due = 90'000}).row());
    world.sure(planned({.theirs = "+31600000003", .id = "elsewhere", .due = 1}).row("crm"));
    CHECK(next() == at(100));

    const auto claimed = claim(world, 1000);
    CHECK(next() == at(1000) + claim_lease);
    fire(world, claimed, 1000);
    CHECK(next() == at(100));
    fire(world, claim(world, 1000), 1000);
    CHECK(next() == at(90'000));
  });
}

TEST_CASE("the schedule of a tenant is listed page by page in the order of due times") {
  in_every_world([](StoreWorld& world) {
    const auto first = planned({.id = "first", .due = 100});
    const auto second = planned({.theirs = "+31600000002", .id = "second", .due = 200});
    const auto third = planned({.theirs = "+31600000003", .id = "third", .due = 300});
    for (const auto& event : {third, first, second}) world.sure(event.row());
    const auto gone = planned({.theirs = "+31600000004", .id = "gone", .due = 50});
    world.sure(gone.row());
    fire(world, claim(world, 60), 60);
    CHECK(claim(world, 100).size() == 1);

    const auto page = world.sure(list_scheduled(world.database(), tenant("bakery"), {}, 2));
    REQUIRE(page.size() == 2);
    const auto rest = world.sure(list_scheduled(world.database(), tenant("bakery"), page.back(), 2));

    CHECK(page[0] == ScheduledEvent{"send", first.id(), first.record.key, at(100), true});
    CHECK(page[1] == ScheduledEvent{"send", second.id(), second.record.key, at(200), false});
    CHECK(rest == std::vector{ScheduledEvent{"send", third.id(), third.record.key, at(300), false}});
  });
}

TEST_CASE("ended rows are forgotten from the oldest on in small steps and open ones never") {
  in_every_world([](StoreWorld& world) {
    for (int number = 0; number < 4; ++number) {
      const auto theirs = fmt::format("+3160000000{}", number);
      const auto id = fmt::format("id{}", number);
      world.sure(planned({.theirs = theirs, .id = id, .due = 100 + number}).row());
    }
    for (int number = 0; number < 3; ++number) fire(world, claim(world, 100 + number), 1000 + number);

    const auto first = world.sure(forget_ended_schedule(world.database(), at(1002), 1));
    const auto second = world.sure(forget_ended_schedule(world.database(), at(1002), 10));
    const auto third = world.sure(forget_ended_schedule(world.database(), at(1002), 10));

    CHECK(first == 1);
    CHECK(second == 1);
    CHECK(third == 0);
    CHECK(world.count("SELECT count(*) FROM schedule") == 2);
    CHECK(world.count("SELECT count(*) FROM schedule WHERE state = 'fired' AND value IS NULL") == 1);
  });
}

}  // namespace sluice::store
