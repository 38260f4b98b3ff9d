// Every fault of a single message, on request, and what the other side is told of it.
#include "common/log/simulated_faults.hpp"

#include "common/async/scope.hpp"
#include "tests/common/log/simulated_scene.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;
using Values = std::vector<std::string>;

SimulatedOptions atomic_options(int& applied) {
  SimulatedOptions options;
  options.apply = [&applied](const db::Batch&) -> Done {
    ++applied;
    return {};
  };
  return options;
}

Task<> append_and_note(Log& log, std::int32_t partition, std::string value, std::vector<std::string>& order) {
  const Values values(1, value);
  const auto stored = co_await log.append(SimulatedScene::records(partition, values));
  if (stored) order.push_back(value);
}

Task<> start_all(SimulatedScene& scene, std::vector<std::string>& order) {
  Scope scope{scene.world.loop};
  scope.start(append_and_note(*scene.log, 0, "slow", order));
  scope.start(append_and_note(*scene.log, 1, "other partition", order));
  scope.start(append_and_note(*scene.log, 0, "behind it", order));
  co_await scope.join();
}

}  // namespace

TEST_CASE("a duplicated append stores its records twice and tells the later offsets") {
  SimulatedScene scene;
  scene.faults().strike_next(Fault::duplicate);

  const auto stored = scene.append(*scene.log, 0, {"a", "b"});

  REQUIRE(stored.has_value());
  CHECK(*stored == std::vector<Offset>{2, 3});
  CHECK(scene.stored(0) == Values{"a", "b", "a", "b"});
}

TEST_CASE("a gap leaves offsets out and nobody minds") {
  SimulatedScene scene;
  scene.append(*scene.log, 0, {"a"});
  scene.faults().strike_next(Fault::gap);

  const auto stored = scene.append(*scene.log, 0, {"b"});

  REQUIRE(stored.has_value());
  CHECK(stored->front() > 1);
  auto consumer = scene.subscribe(*scene.log);
  const auto told = scene.until<Records>(*consumer);
  REQUIRE(told.has_value());
  CHECK(told->records.size() == 2);
}

TEST_CASE("what is refused for certain is not there") {
  const std::vector<std::pair<Fault, Kind>> refusals{{Fault::overloaded, Kind::overloaded},
                                                     {Fault::unavailable, Kind::unavailable},
                                                     {Fault::exhausted, Kind::exhausted}};
  for (const auto& [fault, kind] : refusals) {
    SimulatedScene scene;
    scene.faults().strike_next(fault);

    const auto refused = scene.append(*scene.log, 0, {"a"});
    const auto next = scene.append(*scene.log, 0, {"b"});

    CHECK(fails_as(refused, kind));
    CHECK(next.has_value());
    CHECK(scene.stored(0) == Values{"b"});
  }
}

TEST_CASE("maybe done means written once and not written the other time") {
  SimulatedScene scene;
  scene.faults().strike_next(Fault::maybe_written);
  const auto written = scene.append(*scene.log, 0, {"written"});
  scene.faults().strike_next(Fault::maybe_not);
  const auto lost = scene.append(*scene.log, 0, {"not written"});

  CHECK(fails_as(written, Kind::maybe_done));
  CHECK(fails_as(lost, Kind::maybe_done));
  CHECK(scene.stored(0) == Values{"written"});
}

TEST_CASE("a call that fails in one of its partitions is maybe done") {
  SimulatedScene scene;
  scene.faults().strike_next(Fault::unavailable);
  auto both = SimulatedScene::records(0, {"a"});
  both.push_back(SimulatedScene::records(1, {"b"}).front());

  const auto outcome = scene.world.run(scene.log->append(std::move(both)));

  CHECK(fails_as(outcome, Kind::maybe_done));
  CHECK(scene.stored(0).size() + scene.stored(1).size() == 1);
}

TEST_CASE("commits fail in the same ways as appends") {
  SimulatedScene scene;
  auto consumer = scene.subscribe(*scene.log);
  const auto assigned = scene.until<Assigned>(*consumer);
  REQUIRE(assigned.has_value());
  const auto epoch = assigned->partitions.front().epoch;
  const Partition partition{"topic", 0};

  for (const auto fault : {Fault::unavailable, Fault::exhausted, Fault::maybe_not}) {
    scene.faults().strike_next(fault);
    CHECK_FALSE(scene.commit(*consumer, 0, epoch, 5).has_value());
    CHECK_FALSE(scene.broker.coordinator().committed("group", partition).has_value());
  }
  scene.faults().strike_next(Fault::maybe_written);
  CHECK(fails_as(scene.commit(*consumer, 0, epoch, 5), Kind::maybe_done));
  REQUIRE(scene.broker.coordinator().committed("group", partition).has_value());
  CHECK(scene.broker.coordinator().committed("group", partition)->watermark == 5);
}

TEST_CASE("an atomic append that may be done is done whole or not at all") {
  int applied = 0;
  SimulatedScene scene{atomic_options(applied)};

  scene.faults().strike_next(Fault::maybe_not);
  const auto lost = scene.world.run(scene.log->append_atomically(SimulatedScene::records(0, {"a"}), {}, {}));
  CHECK(fails_as(lost, Kind::maybe_done));
  CHECK(applied == 0);
  CHECK(scene.stored(0).empty());

  scene.faults().strike_next(Fault::maybe_written);
  const auto written = scene.world.run(scene.log->append_atomically(SimulatedScene::records(0, {"b"}), {}, {}));
  CHECK(fails_as(written, Kind::maybe_done));
  CHECK(applied == 1);
  CHECK(scene.stored(0) == Values{"b"});
}

TEST_CASE("a slow message holds up its partition and no other") {
  SimulatedScene scene;
  scene.faults().strike_next(Fault::slow);
  std::vector<std::string> order;

  scene.world.run(start_all(scene, order));

  CHECK(order == Values{"other partition", "slow", "behind it"});
  CHECK(scene.stored(0) == Values{"slow", "behind it"});
}

TEST_CASE("a short batch tells less than could be told and loses nothing") {
  SimulatedScene scene;
  scene.append(*scene.log, 0, Values(100, "v"));
  scene.faults().strike_next(Fault::short_batch, 1000);
  auto consumer = scene.subscribe(*scene.log);

  std::size_t told = 0;
  std::size_t batches = 0;
  while (told < 100) {
    const auto records = scene.until<Records>(*consumer);
    REQUIRE(records.has_value());
    told += records->records.size();
    ++batches;
  }

  CHECK(told == 100);
  CHECK(batches > 1);
}

TEST_CASE("readings fail only by being unavailable") {
  SimulatedScene scene;
  scene.append(*scene.log, 0, {"a"});
  const Partition partition{"topic", 0};

  scene.faults().strike_next(Fault::unavailable, 6);
  CHECK(fails_as(scene.world.run(scene.log->read(partition, 0, {})), Kind::unavailable));
  CHECK(fails_as(scene.world.run(scene.log->read_one(partition, 0)), Kind::unavailable));
  CHECK(fails_as(scene.world.run(scene.log->span(partition)), Kind::unavailable));
  CHECK(fails_as(scene.world.run(scene.log->committed("group", partition)), Kind::unavailable));
  CHECK(fails_as(scene.world.run(scene.log->topics()), Kind::unavailable));
  CHECK(fails_as(scene.world.run(scene.log->subscribe({.group = "group", .topics = {"topic"}})), Kind::unavailable));

  CHECK(scene.world.run(scene.log->read_one(partition, 0)).has_value());
}

TEST_CASE("stopping the faults forgets what was requested") {
  SimulatedScene scene;
  scene.faults().strike_next(Fault::unavailable, 5);

  scene.faults().stop();

  CHECK(scene.append(*scene.log, 0, {"a"}).has_value());
}

TEST_CASE("drawn rates are chances and the same for the same seed") {
  bool some_never = false;
  bool some_often = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SeededRandom one{seed};
    SeededRandom other{seed};
    const auto rates = FaultRates::drawn(one);
    CHECK(rates.rate == FaultRates::drawn(other).rate);
    CHECK(rates.usual_min <= rates.usual_max);
    for (const auto rate : rates.rate) {
      CHECK(rate >= 0);
      CHECK(rate <= 0.2);
      some_never = some_never || rate == 0;
      some_often = some_often || rate > 0.1;
    }
  }
  CHECK(some_never);
  CHECK(some_often);
}

TEST_CASE("a rate is about how often it strikes") {
  SeededRandom random{test_seed()};
  SimulatedFaults faults{random};
  FaultRates rates;
  rates[Fault::gap] = 0.1;
  faults.set(rates);

  int struck = 0;
  for (int i = 0; i < 10'000; ++i) struck += faults.strikes(Fault::gap) ? 1 : 0;

  CHECK(struck > 800);
  CHECK(struck < 1200);
  CHECK_FALSE(faults.strikes(Fault::duplicate));
}

}  // namespace sluice::log
