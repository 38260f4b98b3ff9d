// Processes that stand still, die, and come back; and a broker that is away.
#include "common/log/simulated_process.hpp"

#include <algorithm>

#include "common/async/scope.hpp"
#include "tests/common/log/simulated_scene.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;
using Values = std::vector<std::string>;

constexpr Duration long_enough = 60s;

Task<> append_one(Log& log, std::string value, std::vector<std::string>& answered) {
  const Values values(1, value);
  const auto stored = co_await log.append(SimulatedScene::records(0, values));
  answered.push_back(stored ? value : std::string{name_of(stored.error().kind)});
}

Task<> wait_for_one(Consumer& consumer) {
  while (true) (void)co_await consumer.next();
}

Task<> die_amid_appends(SimulatedScene& scene, std::vector<std::string>& answered) {
  Scope scope{scene.world.loop};
  for (int i = 0; i < 10; ++i) scope.start(append_one(*scene.log, std::to_string(i), answered));
  co_await scene.world.clock.sleep_for(50us);
  scene.log->crash();
  co_await scene.world.clock.sleep_for(long_enough);
  scope.cancel();
  co_await scope.join();
}

struct Owner {  // of both partitions
  std::unique_ptr<Consumer> consumer;
  Epoch epoch = 0;  // of partition 0
};

// However long it takes until both are free.
Owner own(SimulatedScene& scene, Log& log) {
  Owner owner{scene.subscribe(log), 0};
  std::size_t assigned = 0;
  while (assigned < 2) {
    const auto notice = scene.until<Assigned>(*owner.consumer, long_enough);
    REQUIRE(notice.has_value());
    for (const auto& each : notice->partitions) {
      ++assigned;
      if (each.partition.number == 0) owner.epoch = each.epoch;
    }
  }
  return owner;
}

bool is_told_lost(SimulatedScene& scene, Consumer& consumer, const Partition& partition) {
  while (auto lost = scene.until<Lost>(consumer, long_enough)) {
    if (std::ranges::find(lost->partitions, partition) != lost->partitions.end()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a frozen process wakes up and acts on its old beliefs") {
  SimulatedScene scene;
  FaultRates rates;
  rates.zombie_max = 5s;
  scene.faults().set(rates);
  auto zombie = own(scene, *scene.log);
  scene.until<ReachedEnd>(*zombie.consumer);

  scene.log->freeze(100s);
  scene.append(*scene.other, 0, {"a"});
  auto heir = own(scene, *scene.other);  // when the session of the frozen one is over
  CHECK(scene.commit(*heir.consumer, 0, heir.epoch, 1).has_value());
  scene.append(*scene.other, 0, {"b"});
  CHECK_FALSE(scene.next(*zombie.consumer, 30s).has_value());
  const auto awake = scene.until<Records>(*zombie.consumer, 100s);

  REQUIRE(awake.has_value());
  CHECK(awake->epoch == zombie.epoch);
  CHECK(heir.epoch > zombie.epoch);
  CHECK(fails_as(scene.commit(*zombie.consumer, 0, zombie.epoch, 2), Kind::stale));
  CHECK(scene.broker.coordinator().committed("group", {"topic", 0})->watermark == 1);
  CHECK(is_told_lost(scene, *zombie.consumer, {"topic", 0}));
}

TEST_CASE("a process that freezes for less than its session keeps what it has") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);

  scene.log->freeze(9s);
  scene.append(*scene.other, 0, {"a"});
  const auto records = scene.until<Records>(*owner.consumer, long_enough);

  REQUIRE(records.has_value());
  CHECK(records->epoch == owner.epoch);
  CHECK(scene.commit(*owner.consumer, 0, owner.epoch, 1).has_value());
}

TEST_CASE("what a frozen process sends leaves when it thaws") {
  SimulatedScene scene;
  const auto before = scene.world.clock.now();

  scene.log->freeze(5s);
  const auto stored = scene.append(*scene.log, 0, {"a"});

  CHECK(stored.has_value());
  CHECK(scene.world.clock.now() >= before + 5s);
}

TEST_CASE("what a process that stands still has not sent dies with it") {
  SimulatedScene scene;
  std::vector<std::string> answered;
  Scope scope{scene.world.loop};

  scene.log->freeze(30s);
  for (int i = 0; i < 20; ++i) scope.start(append_one(*scene.log, std::to_string(i), answered));
  scene.world.clock.run_for(1s);
  scene.log->crash();
  scene.world.clock.run_for(long_enough);
  scope.cancel();
  scene.world.run(scope.join());

  CHECK(answered.empty());
  CHECK(scene.stored(0).empty());
}

TEST_CASE("a dead process never gets an answer and its tasks can be cancelled") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);
  scene.log->crash();

  CHECK_FALSE(scene.next(*owner.consumer, long_enough).has_value());
  CHECK_FALSE(
      scene.world.run(within(scene.world.clock, scene.world.clock.now() + 1s, scene.log->topics())).has_value());
  CHECK_FALSE(scene.world
                  .run(within(scene.world.clock, scene.world.clock.now() + 1s,
                              scene.log->append(SimulatedScene::records(0, {"a"}))))
                  .has_value());
  CHECK(scene.stored(0).empty());
}

TEST_CASE("a dead process fails its calls when that was asked for") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);
  scene.log->crash(AfterCrash::failing);

  const auto notice = scene.next(*owner.consumer);
  REQUIRE(notice.has_value());
  REQUIRE(std::holds_alternative<Broken>(*notice));
  CHECK(std::get<Broken>(*notice).failure.kind == Kind::stopping);
  CHECK(fails_as(scene.append(*scene.log, 0, {"a"}), Kind::stopping));
  CHECK(fails_as(scene.commit(*owner.consumer, 0, owner.epoch, 1), Kind::stopping));
  CHECK(fails_as(scene.world.run(scene.log->subscribe({.group = "group", .topics = {"topic"}})), Kind::stopping));
  CHECK(fails_as(scene.world.run(scene.log->span({"topic", 0})), Kind::stopping));
}

TEST_CASE("of what was under way at a crash a beginning arrives") {
  bool some_none = false;
  bool some_all = false;
  bool some_part = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedScene scene{{}, seed};
    std::vector<std::string> answered;

    scene.world.run(die_amid_appends(scene, answered));

    const auto stored = scene.stored(0);
    CHECK(answered.empty());
    for (std::size_t i = 0; i < stored.size(); ++i) CHECK(stored[i] == std::to_string(i));
    some_none = some_none || stored.empty();
    some_all = some_all || stored.size() == 10;
    some_part = some_part || (!stored.empty() && stored.size() < 10);
  }
  CHECK(some_none);
  CHECK(some_all);
  CHECK(some_part);
}

TEST_CASE("a process dies at the exchange that was asked for") {
  for (std::uint64_t at = 1; at <= 6; ++at) {
    CAPTURE(at);
    SimulatedScene scene;
    bool told = false;
    scene.log->crash_at(at, AfterCrash::silent, [&] { told = true; });

    // Each append is two exchanges: its sending and its answer.
    std::uint64_t answered = 0;
    for (int i = 0; i < 3; ++i) {
      const Values values(1, std::to_string(i));
      const auto outcome = scene.world.run(within(scene.world.clock, scene.world.clock.now() + 1s,
                                                  scene.log->append(SimulatedScene::records(0, values))));
      if (outcome) ++answered;
    }

    CHECK(told);
    CHECK(scene.log->process().dead());
    CHECK(answered == (at - 1) / 2);
    CHECK(scene.stored(0).size() == at / 2);
  }
}

TEST_CASE("the partitions of a dead process go to others when its session is over") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);
  scene.log->crash();
  const auto died = scene.world.clock.now();

  auto heir = own(scene, *scene.other);

  CHECK(scene.world.clock.now() >= died + 10s);
  CHECK(scene.world.clock.now() <= died + 11s);
  CHECK(heir.epoch > owner.epoch);
}

TEST_CASE("whatever was waiting may be destroyed after the log and the broker") {
  SimulatedWorld world;
  std::vector<std::string> answered;
  {
    SimulatedBroker broker{world.loop, world.clock, world.random};
    REQUIRE(broker.store().create(TopicSpec{.name = "topic", .partitions = 2}).has_value());
    auto log = broker.open("one");
    auto consumer = world.run(log->subscribe({.group = "group", .topics = {"topic"}}));
    REQUIRE(consumer.has_value());
    auto stays = [](std::unique_ptr<Consumer> mine) -> Task<> { co_await wait_for_one(*mine); };
    spawn(world.loop, stays(std::move(*consumer)), [](const std::exception_ptr&) {});
    spawn(world.loop, append_one(*log, "a", answered), [](const std::exception_ptr&) {});
    world.clock.run_for(50us);
  }

  world.clock.run_for(1s);  // both still wait; the loop takes them down at its end

  CHECK(answered.empty());
}

TEST_CASE("a member that lost its assignment is told records for a while and then comes back") {
  SimulatedScene scene;
  FaultRates rates;
  rates.zombie_max = 5s;
  scene.faults().set(rates);
  auto zombie = own(scene, *scene.log);
  scene.until<ReachedEnd>(*zombie.consumer);

  scene.broker.coordinator().expel_one("group");
  scene.append(*scene.other, 0, {"a"});
  const auto stale = scene.until<Records>(*zombie.consumer, 5s);
  const auto refused = scene.commit(*zombie.consumer, 0, zombie.epoch, 1);
  const auto lost = scene.until<Lost>(*zombie.consumer, long_enough);
  const auto again = scene.until<Assigned>(*zombie.consumer, long_enough);
  const auto fresh = scene.until<Records>(*zombie.consumer, long_enough);

  REQUIRE(stale.has_value());
  CHECK(stale->epoch == zombie.epoch);
  CHECK(fails_as(refused, Kind::stale));
  CHECK(lost.has_value());
  REQUIRE(again.has_value());
  REQUIRE(fresh.has_value());
  CHECK(fresh->epoch > zombie.epoch);
  CHECK(fresh->records.front().offset() == 0);
}

TEST_CASE("a rebalance without need revokes and assigns again") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);

  scene.broker.coordinator().rebalance("group");
  const auto revoking = scene.until<Revoking>(*owner.consumer);
  REQUIRE(revoking.has_value());
  owner.consumer->release(revoking->partitions);
  const auto again = scene.until<Assigned>(*owner.consumer);

  REQUIRE(again.has_value());
  CHECK(again->partitions.front().epoch > owner.epoch);
}

TEST_CASE("a broken consumer is told and the others take over") {
  SimulatedScene scene;
  auto broken = own(scene, *scene.log);

  scene.log->break_consumers(Failure{Kind::denied, "fenced"});
  const auto notice = scene.until<Broken>(*broken.consumer);
  const auto last = scene.next(*broken.consumer);
  auto heir = own(scene, *scene.other);

  REQUIRE(notice.has_value());
  CHECK(notice->failure.kind == Kind::denied);
  REQUIRE(last.has_value());
  CHECK(std::holds_alternative<Closed>(*last));
  CHECK(heir.epoch > broken.epoch);
}

TEST_CASE("a subscription that was cancelled leaves no member behind") {
  SimulatedScene scene;
  for (int i = 0; i < 20; ++i) {
    const auto patience = std::chrono::microseconds{i * 20};
    (void)scene.world.run(within(scene.world.clock, scene.world.clock.now() + patience,
                                 scene.log->subscribe({.group = "group", .topics = {"topic"}})));
  }

  const auto before = scene.world.clock.now();
  const auto owner = own(scene, *scene.other);

  CHECK(owner.epoch > 0);
  CHECK(scene.world.clock.now() < before + 1s);
}

TEST_CASE("during an outage nothing is done and afterwards all goes on") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);
  scene.until<ReachedEnd>(*owner.consumer);
  scene.broker.network().outage(20s);

  CHECK(fails_as(scene.append(*scene.log, 0, {"a"}), Kind::unavailable));
  CHECK(fails_as(scene.commit(*owner.consumer, 0, owner.epoch, 1), Kind::unavailable));
  CHECK(fails_as(scene.world.run(scene.log->span({"topic", 0})), Kind::unavailable));
  scene.world.clock.run_for(21s);

  CHECK(scene.append(*scene.log, 0, {"b"}).has_value());
  CHECK(scene.stored(0) == Values{"b"});
  const auto records = scene.until<Records>(*owner.consumer);
  REQUIRE(records.has_value());
  CHECK(records->epoch == owner.epoch);
}

TEST_CASE("sessions and deadlines do not end while the broker is away") {
  SimulatedScene scene;
  auto owner = own(scene, *scene.log);
  scene.broker.network().outage(40s);
  const auto back = scene.world.clock.now() + 40s;

  scene.log->freeze(15s);
  scene.world.clock.run_for(41s);

  CHECK(scene.world.clock.now() >= back);
  CHECK(scene.commit(*owner.consumer, 0, owner.epoch, 1).has_value());
}

TEST_CASE("a full disk and a jam refuse writes until they end") {
  SimulatedScene scene;
  scene.broker.network().full_disk(5s);
  CHECK(fails_as(scene.append(*scene.log, 0, {"a"}), Kind::exhausted));
  CHECK(scene.world.run(scene.log->span({"topic", 0})).has_value());
  scene.world.clock.run_for(6s);
  scene.broker.network().jam(5s);
  CHECK(fails_as(scene.append(*scene.log, 0, {"b"}), Kind::overloaded));
  scene.world.clock.run_for(6s);

  CHECK(scene.append(*scene.log, 0, {"c"}).has_value());
  CHECK(scene.stored(0) == Values{"c"});
}

TEST_CASE("disturbances come by themselves and end when they are healed") {
  std::vector<std::string> steps;  // told until the scene is gone
  SimulatedScene scene;
  scene.broker.network().on_step = [&](const std::string& line) { steps.push_back(line); };
  FaultRates rates;
  rates.every = {.lost_assignment = 3s, .rebalance = 3s, .freeze = 3s, .outage = 3s, .full_disk = 3s, .jam = 3s};
  rates.freeze_max = 2s;
  scene.faults().set(rates);
  auto owner = own(scene, *scene.log);
  auto comes = [&](std::string_view what) {
    return std::ranges::any_of(steps, [&](const auto& step) { return step.find(what) != step.npos; });
  };

  scene.broker.disturb();
  for (int i = 0; i < 200; ++i) (void)scene.next(*owner.consumer, 500ms);
  for (const auto* what : {"expelled", "rebalanced", "freezes", "away", "disk is full", "jammed"}) CHECK(comes(what));
  scene.broker.heal();
  for (int i = 0; i < 20; ++i) (void)scene.next(*owner.consumer, 500ms);
  steps.clear();
  scene.world.clock.run_for(long_enough);

  CHECK(steps.empty());
  CHECK(scene.append(*scene.log, 0, {"a"}).has_value());
}

}  // namespace sluice::log
