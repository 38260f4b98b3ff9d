// Listeners hear of what has committed, and of nothing else. A call without reason is allowed, so the cases wait until
// a listener hears reliably and then watch a witness on another channel to prove that nothing came.
#include "tests/conformance/database_story.hpp"

namespace sluice::db::conformance {
namespace {

Batch notice(std::string channel) {
  return batch_of({}, {std::move(channel)});
}

// A listener may need a moment before it hears at all, and hears of that moment. Once it does it is a good witness:
// what was told before and would be heard has been heard by then.
Task<> settle(DatabaseWorld& world, Ear& ear, std::string channel) {
  for (int round = 0; round < 3; ++round) {
    const int before = ear.heard();
    co_await done(world, notice(channel));
    const bool heard = co_await ear.hears(world, before + 1);
    REQUIRE(heard);
  }
}

}  // namespace

Task<> notice_is_heard(DatabaseWorld& world) {
  co_await make_tables(world);
  Ear ear(world.database(), "items");
  co_await settle(world, ear, "items");

  const int before = ear.heard();
  co_await done(world, batch_of({item(1)}, {"items"}));
  const bool heard = co_await ear.hears(world, before + 1);

  CHECK(heard);
  co_await check_items(world, 1);
}

Task<> notice_of_the_failed(DatabaseWorld& world) {
  co_await make_tables(world);
  Ear ear(world.database(), "items");
  Ear other(world.database(), "other");
  co_await settle(world, ear, "items");
  co_await settle(world, other, "other");

  const int before = ear.heard();
  const auto answer = co_await ran(world, batch_of({item(1), item(1)}, {"items"}));
  co_await settle(world, other, "other");

  CHECK(failed_as(answer, Kind::conflict));
  CHECK(ear.heard() == before);
}

Task<> notice_by_channel(DatabaseWorld& world) {
  co_await make_tables(world);
  Ear ear(world.database(), "items");
  Ear second(world.database(), "items");
  Ear other(world.database(), "Other channel's \"name\"");
  co_await settle(world, ear, "items");
  co_await settle(world, second, "items");
  co_await settle(world, other, "Other channel's \"name\"");

  const int ear_before = ear.heard();
  const int second_before = second.heard();
  co_await settle(world, other, "Other channel's \"name\"");
  CHECK(ear.heard() == ear_before);
  CHECK(second.heard() == second_before);

  co_await done(world, notice("items"));
  const bool first_hears = co_await ear.hears(world, ear_before + 1);
  const bool second_hears = co_await second.hears(world, second_before + 1);
  CHECK(first_hears);
  CHECK(second_hears);
}

Task<> listening_ends(DatabaseWorld& world) {
  Ear ear(world.database(), "items");
  Ear other(world.database(), "items");
  co_await settle(world, ear, "items");
  co_await settle(world, other, "items");

  ear.stop();
  const int before = ear.heard();
  co_await settle(world, other, "items");

  CHECK(ear.heard() == before);
}

Task<> processes_hear_each_other(DatabaseWorld& world) {
  const auto other_process = world.another();
  Ear ear(*other_process, "items");
  co_await settle(world, ear, "items");

  const int before = ear.heard();
  co_await done(world, notice("items"));
  const bool heard = co_await ear.hears(world, before + 1);

  CHECK(heard);
  ear.stop();
  co_await soon_done(world, other_process->close());
}

}  // namespace sluice::db::conformance
