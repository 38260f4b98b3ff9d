// Outputs, changes of state and commits in one transaction, where the log and the tables share a store.
#include <utility>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

namespace {

// One partition to consume, one to write to, and a table with one counter.
struct Scene {
  Partition input;
  Partition output;
  std::string group;
  std::unique_ptr<Member> member;
  std::vector<Offset> offsets;
};

db::Batch add(std::int64_t amount, db::Expect expect = db::Expect::exactly(1)) {
  db::Batch batch;
  batch.statements.push_back({"UPDATE suite_counter SET total = total + $1 WHERE id = 1", {amount}, expect});
  return batch;
}

Task<Scene> set_scene(LogWorld& world) {
  db::Batch table;
  table.statements.push_back(
      {"CREATE TABLE IF NOT EXISTS suite_counter (id INTEGER PRIMARY KEY, total BIGINT NOT NULL)"});
  table.statements.push_back({"INSERT INTO suite_counter (id, total) VALUES (1, 0) ON CONFLICT (id) DO NOTHING"});
  const auto made = co_await soon(world, world.database().run(std::move(table)));
  if (!made) FAIL("the table: ", made.error().sentence);
  const auto topic = co_await world.fresh_topic(2);
  Scene scene{Partition{topic, 0}, Partition{topic, 1}, world.fresh_name("group"), {}, {}};
  scene.offsets = co_await put(world, scene.input, numbered("in", 3));
  scene.member = co_await Member::join(world, scene.group, topic);
  const bool assigned = co_await until(world, *scene.member, [&] { return scene.member->held.size() == 2; });
  REQUIRE(assigned);
  co_return scene;
}

Task<std::int64_t> total(LogWorld& world) {
  const auto rows = co_await soon(world, world.database().read({"SELECT total FROM suite_counter WHERE id = 1"}));
  if (!rows) FAIL("the counter: ", rows.error().sentence);
  co_return rows->integer(0, 0);
}

Task<Result<std::vector<Offset>>> run(LogWorld& world, std::vector<Outgoing> outputs, db::Batch changes,
                                      std::vector<Commit> commits) {
  return soon(world, world.log().append_atomically(std::move(outputs), std::move(changes), std::move(commits)));
}

std::vector<Commit> commit_of(Scene& scene, Offset watermark) {
  std::vector<Commit> commits;
  commits.push_back(Commit{scene.input, scene.member->held[scene.input].epoch, watermark, "atomic"});
  return commits;
}

Task<> check_undone(LogWorld& world, Scene& scene) {
  const auto stored = co_await all_of(world, scene.output);
  const auto committed = co_await committed_of(world, scene.group, scene.input);
  const auto counted = co_await total(world);
  CHECK(stored.empty());
  CHECK_FALSE(committed.has_value());
  CHECK(counted == 0);
}

}  // namespace

Task<> atomic_is_refused(LogWorld& world) {
  REQUIRE_FALSE(world.log().capabilities().atomic);
  const auto partition = co_await fresh_partition(world);

  const auto refused = co_await run(world, records(partition, {"out"}), {}, {});

  CHECK(failed_as(refused, Kind::invalid));
  const auto stored = co_await all_of(world, partition);
  CHECK(stored.empty());
}

Task<> atomic_is_whole(LogWorld& world) {
  REQUIRE(world.log().capabilities().atomic);
  auto scene = co_await set_scene(world);

  const auto stored =
      co_await run(world, records(scene.output, numbered("out", 2)), add(5), commit_of(scene, scene.offsets[1]));

  REQUIRE(stored.has_value());
  CHECK(stored->size() == 2);
  const auto outputs = co_await all_of(world, scene.output);
  CHECK(values_of(outputs) == numbered("out", 2));
  CHECK(outputs.front().offset() == stored->front());
  const auto committed = co_await committed_of(world, scene.group, scene.input);
  REQUIRE(committed.has_value());
  CHECK(committed->watermark == scene.offsets[1]);
  CHECK(committed->metadata == "atomic");
  const auto counted = co_await total(world);
  CHECK(counted == 5);
  const bool told =
      co_await until(world, *scene.member, [&] { return scene.member->values(scene.output).size() == 2; });
  CHECK(told);
}

Task<> atomic_stale_epoch(LogWorld& world) {
  auto scene = co_await set_scene(world);
  auto commits = commit_of(scene, scene.offsets[1]);
  commits.push_back(Commit{scene.output, scene.member->held[scene.output].epoch - 1, 0, "stale"});

  const auto refused = co_await run(world, records(scene.output, {"out"}), add(5), std::move(commits));

  CHECK(failed_as(refused, Kind::stale));
  co_await check_undone(world, scene);
}

Task<> atomic_unmet_expectation(LogWorld& world) {
  auto scene = co_await set_scene(world);

  const auto refused = co_await run(world, records(scene.output, {"out"}), add(5, db::Expect::exactly(2)),
                                    commit_of(scene, scene.offsets[1]));

  CHECK(failed_as(refused, Kind::conflict));
  co_await check_undone(world, scene);
}

Task<> atomic_bad_record(LogWorld& world) {
  auto scene = co_await set_scene(world);
  auto outputs = records(scene.output, {"out", "big"});
  outputs[1].value = std::string(2'200'000, 'x');
  auto nowhere = records({world.fresh_name("absent"), 0}, {"out"});

  const auto too_big = co_await run(world, std::move(outputs), add(5), commit_of(scene, scene.offsets[1]));
  const auto absent = co_await run(world, std::move(nowhere), add(5), commit_of(scene, scene.offsets[1]));

  CHECK(failed_as(too_big, Kind::invalid));
  CHECK(failed_as(absent, Kind::not_found));
  co_await check_undone(world, scene);
}

Task<> atomic_finds_the_group(LogWorld& world) {
  auto scene = co_await set_scene(world);
  const auto other = world.fresh_name("other");
  auto member = co_await Member::join(world, other, scene.input.topic);  // in the same log, on the same partitions
  const bool assigned = co_await until(world, *member, [&] { return member->held.size() == 2; });
  REQUIRE(assigned);

  const auto mine = co_await run(world, {}, {}, commit_of(scene, scene.offsets[1]));
  std::vector<Commit> commits;
  commits.push_back(Commit{scene.input, member->held[scene.input].epoch, scene.offsets[2], "other"});
  const auto theirs = co_await run(world, {}, {}, std::move(commits));

  CHECK(mine.has_value());
  CHECK(theirs.has_value());
  const auto of_mine = co_await committed_of(world, scene.group, scene.input);
  const auto of_theirs = co_await committed_of(world, other, scene.input);
  REQUIRE(of_mine.has_value());
  REQUIRE(of_theirs.has_value());
  CHECK(of_mine->watermark == scene.offsets[1]);
  CHECK(of_theirs->watermark == scene.offsets[2]);
}

Task<> atomic_survives(LogWorld& world) {
  auto scene = co_await set_scene(world);
  const auto stored =
      co_await run(world, records(scene.output, numbered("out", 2)), add(7), commit_of(scene, scene.offsets[2]));
  REQUIRE(stored.has_value());
  scene.member.reset();

  co_await soon_done(world, world.crash());

  const auto outputs = co_await all_of(world, scene.output);
  CHECK(values_of(outputs) == numbered("out", 2));
  const auto committed = co_await committed_of(world, scene.group, scene.input);
  REQUIRE(committed.has_value());
  CHECK(committed->watermark == scene.offsets[2]);
  const auto counted = co_await total(world);
  CHECK(counted == 7);
}

}  // namespace sluice::conformance
