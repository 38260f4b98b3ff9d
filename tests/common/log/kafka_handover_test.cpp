#include "common/log/kafka_handover.hpp"

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "tests/support/world.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

const Partition first{"topic", 0};
const Partition second{"topic", 1};

Record record(Offset offset, std::size_t value_bytes = 1) {
  const std::string value(value_bytes, 'v');
  Record::Parts parts;
  parts.offset = offset;
  parts.value = value;
  return Record{parts};
}

struct HandoverScene {
  explicit HandoverScene(Subscription subscription = {.group = "g", .topics = {"topic"}})
      : handover(std::make_shared<KafkaHandover>(world.loop, world.clock, subscription, [this] { ++pokes; })) {
    handover->assign({{first, std::nullopt}, {second, Committed{7, "P1"}}});
    assigned = std::get<Assigned>(next());
  }

  Notice next() { return world.run(handover->next()); }
  bool silent() {
    const auto notice = world.run(within(world.clock, world.clock.now() + 1ms, handover->next()));
    return !notice.has_value();
  }
  // As the poll thread does: what there is no room for is not put.
  bool put(const Partition& partition, Offset from, int count, std::optional<Offset> end = {}) {
    if (handover->room(partition, 0).records < static_cast<std::size_t>(count)) return false;
    KafkaHandover::Batch batch;
    for (int i = 0; i < count; ++i) {
      batch.records.push_back(record(from + i));
      batch.bytes += batch.records.back().bytes();
    }
    batch.end = end;
    handover->put(partition, std::move(batch));
    return true;
  }
  std::vector<Offset> offsets(Notice notice) {
    std::vector<Offset> found;
    for (const auto& each : std::get<Records>(notice).records) found.push_back(each.offset());
    return found;
  }

  SimulatedWorld world;
  int pokes = 0;
  std::shared_ptr<KafkaHandover> handover;
  Assigned assigned;
};

}  // namespace

TEST_CASE("what is assigned is told with rising epochs and what was committed") {
  HandoverScene scene;

  REQUIRE(scene.assigned.partitions.size() == 2);
  CHECK_FALSE(scene.assigned.partitions[0].committed.has_value());
  CHECK(scene.assigned.partitions[1].committed->watermark == 7);
  CHECK(scene.assigned.partitions[1].committed->metadata == "P1");
  const auto before = scene.assigned.partitions[0].epoch;
  scene.handover->take_away();
  scene.handover->assign({{first, std::nullopt}});
  CHECK(std::holds_alternative<Lost>(scene.next()));
  CHECK(std::get<Assigned>(scene.next()).partitions[0].epoch > before);
}

TEST_CASE("an end is told behind its records and only when nothing came after it") {
  HandoverScene scene;

  scene.put(first, 0, 2, 2);
  CHECK(scene.offsets(scene.next()) == std::vector<Offset>{0, 1});
  CHECK(std::get<ReachedEnd>(scene.next()).end == 2);
  scene.put(first, 2, 1, 3);
  scene.put(first, 3, 1);

  CHECK(scene.offsets(scene.next()) == std::vector<Offset>{2, 3});
  CHECK(scene.silent());
}

TEST_CASE("partitions take turns") {
  HandoverScene scene({.group = "g", .topics = {"topic"}, .batch_records_max = 2});

  scene.put(first, 0, 2, 2);
  scene.put(second, 7, 2);

  CHECK(std::get<Records>(scene.next()).partition == first);
  CHECK(std::get<Records>(scene.next()).partition == second);
  CHECK(std::get<ReachedEnd>(scene.next()).partition == first);
}

TEST_CASE("a batch in the making is bounded and the poll thread is poked when there is room again") {
  HandoverScene scene({.group = "g", .topics = {"topic"}, .batch_records_max = 3});

  CHECK(scene.put(first, 0, 3));
  CHECK_FALSE(scene.put(first, 3, 1));
  CHECK(scene.pokes == 0);
  (void)scene.next();

  CHECK(scene.pokes == 1);
  CHECK(scene.put(first, 3, 1));
  (void)scene.next();
  CHECK(scene.pokes == 1);  // nobody waits for room any more
}

TEST_CASE("bytes are bounded per partition and over all but one record always passes") {
  HandoverScene scene({.group = "g", .topics = {"topic"}, .batch_bytes_max = 1});
  const auto big = record(0, 1000).bytes();

  CHECK(scene.put(first, 0, 1));
  CHECK(scene.handover->room(first, big).records == 0);
  CHECK(scene.handover->room(second, big).records == 0);  // all together hold more than two batches already

  (void)scene.next();
  CHECK(scene.pokes == 1);
  const auto room = scene.handover->room(second, big);
  CHECK(room.first);
  CHECK(room.records > 0);
}

TEST_CASE("nothing of a paused partition is delivered and nothing of it is lost") {
  HandoverScene scene;
  scene.put(first, 0, 2);

  scene.handover->pause(first);
  scene.put(first, 2, 2, 4);
  scene.put(second, 7, 1);
  CHECK(std::get<Records>(scene.next()).partition == second);
  CHECK(scene.silent());
  scene.handover->resume(first);

  CHECK(scene.offsets(scene.next()) == std::vector<Offset>{0, 1, 2, 3});
  CHECK(std::get<ReachedEnd>(scene.next()).end == 4);
}

TEST_CASE("paused partitions hold their own part and leave the room of the others") {
  HandoverScene scene({.group = "g", .topics = {"topic"}, .batch_records_max = 100, .batch_bytes_max = 4096});
  scene.handover->pause(first);
  scene.put(first, 0, 20);

  CHECK(scene.handover->room(first, 4096).records == 0);
  CHECK(scene.handover->room(second, 0).bytes == 4096);
  CHECK(scene.put(second, 7, 10));
  (void)scene.next();
  CHECK(scene.pokes == 0);  // the paused one is not read on
  scene.handover->resume(first);
  (void)scene.next();
  CHECK(scene.pokes == 1);
}

TEST_CASE("after a revocation nothing is delivered and commits are allowed until the release") {
  HandoverScene scene;
  const auto epoch = scene.assigned.partitions[0].epoch;
  scene.put(first, 0, 2);

  scene.handover->revoke(scene.world.clock.now() + 1s);
  const auto revoking = std::get<Revoking>(scene.next());
  CHECK(revoking.partitions == std::vector<Partition>{first, second});
  CHECK(revoking.deadline == scene.world.clock.now() + 1s);
  CHECK(scene.silent());
  CHECK(scene.handover->may_commit(first, epoch));
  scene.handover->release({first});
  CHECK_FALSE(scene.handover->may_commit(first, epoch));
  CHECK(scene.handover->is_current(first, epoch));  // what was committed before the release still counts
  CHECK_FALSE(scene.handover->all_released());
  scene.handover->take_away();

  CHECK(std::get<Lost>(scene.next()).partitions == std::vector<Partition>{second});
  CHECK_FALSE(scene.handover->is_current(first, epoch));
}

TEST_CASE("the last notice is told for ever") {
  HandoverScene scene;

  scene.handover->take_away();
  scene.handover->tell(Closed{});

  CHECK(std::holds_alternative<Lost>(scene.next()));
  CHECK(std::holds_alternative<Closed>(scene.next()));
  CHECK(std::holds_alternative<Closed>(scene.next()));
}

TEST_CASE("an owner who waits is woken once for many arrivals") {
  HandoverScene scene;
  std::optional<Notice> got;
  const auto wait = [](KafkaHandover& handover, std::optional<Notice>& into) -> Task<> {
    auto notice = co_await handover.next();
    into.emplace(std::move(notice));
  };
  spawn(scene.world.loop, wait(*scene.handover, got), or_die("waiting"));
  scene.world.clock.run_until_idle();
  CHECK_FALSE(got.has_value());

  for (int i = 0; i < 5; ++i) scene.put(first, i, 1);
  scene.world.clock.run_until_idle();

  REQUIRE(got.has_value());
  CHECK(scene.offsets(std::move(*got)).size() == 5);
}

TEST_CASE("an owner is unattended only while there is something that he does not ask for") {
  HandoverScene scene;
  CHECK_FALSE(scene.handover->unattended_since().has_value());
  scene.world.clock.run_for(10s);

  scene.put(first, 0, 1);
  const auto arrived = scene.world.clock.now();
  scene.world.clock.run_for(10s);
  scene.put(first, 1, 1);
  CHECK(scene.handover->unattended_since() == arrived);
  scene.handover->pause(first);
  CHECK_FALSE(scene.handover->unattended_since().has_value());
  scene.handover->resume(first);
  CHECK(scene.handover->unattended_since() == scene.world.clock.now());

  (void)scene.next();
  CHECK_FALSE(scene.handover->unattended_since().has_value());
}

}  // namespace sluice::log
