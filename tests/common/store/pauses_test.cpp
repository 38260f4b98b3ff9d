#include "common/store/pauses.hpp"

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "common/async/signal.hpp"
#include "tests/common/store/worlds.hpp"

namespace sluice::store {
namespace {

Pause paused(std::optional<std::string_view> of_tenant, std::string pool, std::int64_t since = 10) {
  Pause made{.pool = std::move(pool), .reason = "too many dead letters", .who = "breaker", .since = at(since)};
  if (of_tenant) made.tenant = tenant(*of_tenant);
  return made;
}

}  // namespace

TEST_CASE("what is paused is known with its reason and resumed by its name") {
  in_every_world([](StoreWorld& world) {
    const auto one = paused("bakery", "send", 20);
    const auto everything = paused(std::nullopt, "", 10);
    world.sure(pause(world.database(), one));
    world.sure(pause(world.database(), everything));

    CHECK(world.sure(load_pauses(world.database())).all() == std::vector{everything, one});
    world.sure(resume(world.database(), std::nullopt, ""));
    world.sure(resume(world.database(), std::nullopt, ""));

    CHECK(world.sure(load_pauses(world.database())).all() == std::vector{one});
  });
}

TEST_CASE("pausing what is paused keeps who and why and since when") {
  in_every_world([](StoreWorld& world) {
    const auto first = paused("bakery", "send", 10);
    auto second = first;
    second.who = "somebody else";
    second.since = at(20);

    world.sure(pause(world.database(), first));
    world.sure(pause(world.database(), second));

    CHECK(world.sure(load_pauses(world.database())).all() == std::vector{first});
  });
}

TEST_CASE("a pause holds a tenant in a pool or a whole pool or a tenant everywhere or everything") {
  const Pauses pauses{{paused("bakery", "send"), paused(std::nullopt, "crm"), paused("florist", "")}};

  CHECK(pauses.find(tenant("bakery"), "send") == &pauses.all()[0]);
  CHECK(pauses.find(tenant("bakery"), "crm") == &pauses.all()[1]);
  CHECK(pauses.find(tenant("bakery"), "classify") == nullptr);
  CHECK(pauses.find(tenant("florist"), "classify") == &pauses.all()[2]);
  CHECK(Pauses{}.find(tenant("bakery"), "send") == nullptr);
  CHECK(Pauses{{paused(std::nullopt, "")}}.find(tenant("bakery"), "send") != nullptr);
}

TEST_CASE("people see what concerns their tenant") {
  in_every_world([](StoreWorld& world) {
    const auto ours = paused("bakery", "send", 10);
    const auto all = paused(std::nullopt, "crm", 20);
    for (const auto& made : {ours, all, paused("florist", "send")}) world.sure(pause(world.database(), made));

    CHECK(world.sure(list_pauses(world.database(), tenant("bakery"))) == std::vector{ours, all});
  });
}

namespace {

Task<> until_heard(Signal& heard, const int& times, int wanted) {
  while (times < wanted) {
    auto waiting = heard.wait();
    co_await std::move(waiting);
  }
}

// A batch of the speaker, until a listener at the world's own database has heard of it.
Task<bool> is_heard(StoreWorld& world, db::Database& speaker, db::Batch batch) {
  Signal heard;
  int times = 0;
  const auto listening = world.database().listen(std::string{pauses_channel}, [&] {
    ++times;
    heard.notify_all();
  });
  auto running = speaker.run(std::move(batch));
  const auto ran = co_await std::move(running);
  REQUIRE_MESSAGE(ran.has_value(), ran.error().sentence);
  auto hearing = within(world.clock(), world.clock().now() + std::chrono::seconds{30}, until_heard(heard, times, 1));
  const bool in_time = co_await std::move(hearing);
  co_return in_time;
}

}  // namespace

TEST_CASE("pausing and resuming are heard") {
  in_every_world([](StoreWorld& world) {
    const auto other = world.name() == "sqlite" ? nullptr : world.another();  // a file is served by one process
    auto& speaker = other ? *other : world.database();

    CHECK(world.run(is_heard(world, speaker, pause_batch(paused("bakery", "send")))));
    CHECK(world.run(is_heard(world, speaker, resume_batch(tenant("bakery"), "send"))));

    if (other) world.run(other->close());
  });
}

}  // namespace sluice::store
