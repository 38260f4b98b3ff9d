// What goes and what stays: by age, by key, and the pages that become free.
#include <filesystem>
#include <map>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/random.hpp"
#include "common/async/scope.hpp"
#include "tests/common/log/sqlite_scene.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;
using Values = std::vector<std::string>;

const Partition t1{"t", 1};

Values numbered(int from, int to) {
  Values values;
  for (int i = from; i < to; ++i) values.push_back(fmt::format("{}", i));
  return values;
}

void put_numbered(SqliteScene& scene, const Partition& to, int count, std::chrono::milliseconds age) {
  std::vector<Outgoing> records;
  for (int i = 0; i < count; ++i) {
    records.push_back({.topic = to.topic, .partition = to.number, .key = "key", .value = fmt::format("{}", i)});
    records.back().timestamp = scene.clock.wall() - age;
  }
  REQUIRE(scene.append(std::move(records)).has_value());
}

void commit_and_leave(SqliteScene& scene, const std::string& group, std::int32_t number, Offset watermark) {
  const auto consumer = scene.subscribe(group, {"t"});
  const auto assigned = scene.next<Assigned>(*consumer);
  REQUIRE(scene.commit(*consumer, assigned.partitions[static_cast<std::size_t>(number)], watermark).has_value());
}

}  // namespace

TEST_CASE("a topic without a group is removed by age alone") {
  SqliteScene scene;
  scene.topic("t", 1, 1h);
  put_numbered(scene, t0, 5, 2h);
  scene.put(t0, "young", "key", 30min);

  CHECK(scene.retain() == 5);
  CHECK(scene.values(t0) == Values{"young"});
}

TEST_CASE("a group that committed in one partition keeps all of the others") {
  SqliteScene scene;
  scene.topic("t", 2, 1h);
  put_numbered(scene, t0, 3, 2h);
  put_numbered(scene, t1, 3, 2h);
  const auto end = scene.run(scene.log().span(t0))->end;
  commit_and_leave(scene, "g", 0, end);

  CHECK(scene.retain() == 3);
  CHECK(scene.all(t0).empty());
  CHECK(scene.values(t1) == numbered(0, 3));
}

TEST_CASE("a group that only subscribes keeps everything while it is there") {
  SqliteScene scene;
  scene.topic("t", 1, 1h);
  put_numbered(scene, t0, 3, 2h);
  auto consumer = scene.subscribe("g", {"t"});

  const auto while_there = scene.retain();
  consumer.reset();
  const auto afterwards = scene.retain();

  CHECK(while_there == 0);
  CHECK(afterwards == 3);
}

TEST_CASE("a watermark that went back protects what it went back to") {
  SqliteScene scene;
  scene.topic("t", 1, 1h);
  put_numbered(scene, t0, 6, 2h);
  const auto first = scene.run(scene.log().span(t0))->first;
  commit_and_leave(scene, "g", 0, first + 6);
  commit_and_leave(scene, "g", 0, first + 2);

  CHECK(scene.retain() == 2);
  CHECK(scene.values(t0) == numbered(2, 6));
}

TEST_CASE("an old record behind a young one stays until that one is old") {
  SqliteScene scene;
  scene.topic("t", 1, 1h);
  scene.put(t0, "young", "key", 30min);
  scene.put(t0, "old", "key", 2h);

  const auto at_first = scene.retain();
  scene.clock.run_for(31min);
  const auto later = scene.retain();

  CHECK(at_first == 0);
  CHECK(later == 2);
}

TEST_CASE("many steps remove everything that may go") {
  SqliteScene scene{{.retention_step_rows_max = 7}};
  scene.topic("t", 1, 1h);
  put_numbered(scene, t0, 7 * 13, 2h);

  const auto groups_before = scene.store.file().figures().groups;
  CHECK(scene.retain() == 7 * 13);
  CHECK(scene.store.file().figures().groups - groups_before >= 13);
  CHECK(scene.all(t0).empty());
}

TEST_CASE("appends go on between the steps of a removal") {
  SqliteScene scene{{.retention_step_rows_max = 10}};
  scene.topic("t", 2, 1h);
  put_numbered(scene, t0, 1000, 2h);
  int appended = 0;
  bool removed = false;
  const auto append_meanwhile = [](SqliteScene& in, int& count, const bool& over) -> Task<> {
    while (!over) {
      std::vector<Outgoing> one;
      one.push_back({.topic = "t", .partition = 1, .key = {}, .value = "v"});
      auto stored = co_await in.log().append(std::move(one));
      CHECK(stored.has_value());
      ++count;
    }
  };
  const auto remove = [](SqliteScene& in, bool& over) -> Task<> {
    auto count = co_await in.log().retain_once();
    CHECK(count == 1000);
    over = true;
  };
  const auto both = [&](SqliteScene& in) -> Task<> {
    Scope scope{in.loop};
    scope.start(append_meanwhile(in, appended, removed));
    scope.start(remove(in, removed));
    co_await scope.join();
  };

  scene.run(both(scene));

  CHECK(appended >= 50);  // of at least 100 steps
}

TEST_CASE("compaction keeps the last of each key over any number of rounds") {
  SqliteScene scene{{.retention_step_rows_max = 10, .compaction_keys_max = 7}};
  scene.topic("t", 1, {}, true);
  SeededRandom random{7};
  std::map<std::string, std::string> last;
  for (int i = 0; i < 400; ++i) {
    const auto key = fmt::format("key-{}", random.below(40));
    last[key] = fmt::format("{}", i);
    scene.put(t0, last[key], key);
  }

  const auto removed = scene.retain();
  const auto again = scene.retain();

  CHECK(removed == 400 - last.size());
  CHECK(again == 0);
  std::map<std::string, std::string> kept;
  for (const auto& record : scene.all(t0)) kept.emplace(*record.key(), *record.value());
  CHECK(kept == last);
}

TEST_CASE("a tombstone goes when it is old and what it erased does not come back") {
  SqliteScene scene{{.tombstone_age_max = 1h}};
  scene.topic("t", 1, {}, true);
  scene.put(t0, "v", "erased");
  scene.put(t0, "w", "kept");
  scene.put(t0, std::nullopt, "erased");

  const auto at_once = scene.retain();
  const auto while_young = scene.values(t0);
  scene.clock.run_for(2h);
  const auto later = scene.retain();
  scene.store.crash();

  CHECK(at_once == 1);
  CHECK(while_young == Values{"w", "(none)"});
  CHECK(later == 1);
  CHECK(scene.values(t0) == Values{"w"});
}

TEST_CASE("poison neither supersedes nor goes") {
  SqliteScene scene;
  scene.topic("t", 1, {}, true);
  scene.put(t0, "sound", "a");
  const auto damaged = scene.put(t0, "damaged", "b");
  scene.put(t0, "newer", "b");
  const auto forged = scene.put(t0, "forged", "c");
  scene.store.change("UPDATE log_record SET value = CAST('DAMAGED' AS BLOB) WHERE offset = $1", {damaged});
  scene.store.change("UPDATE log_record SET key = CAST('a' AS BLOB) WHERE offset = $1", {forged});

  CHECK(scene.retain() == 0);
  CHECK(scene.values(t0) == Values{"sound", "DAMAGED", "newer", "forged"});
}

TEST_CASE("a compacted topic with an age loses old records too") {
  SqliteScene scene;
  scene.topic("t", 1, 1h, true);
  scene.put(t0, "old", "a", 2h);
  scene.put(t0, "young", "b");

  CHECK(scene.retain() == 1);
  CHECK(scene.values(t0) == Values{"young"});
}

TEST_CASE("free pages go back to the disk") {
  SqliteScene scene{{.free_pages_max = 10, .vacuum_step_pages = 16}};
  scene.topic("t", 1, 1h);
  for (int i = 0; i < 200; ++i) scene.put(t0, std::string(10'000, 'v'), "key", 2h);
  const auto pages_before = scene.store.number("PRAGMA page_count");

  CHECK(scene.retain() == 200);

  CHECK(scene.store.number("PRAGMA freelist_count") <= 10);
  CHECK(scene.store.number("PRAGMA page_count") < pages_before / 4);
}

TEST_CASE("keeping removes again and again and ends with the log") {
  SqliteScene scene{{.retention_every = 60s}};
  scene.topic("t", 1, 1h);
  int failures = 0;
  Scope scope{scene.loop};
  scope.start(scene.log().keep([&](const Failure&) { ++failures; }));

  for (int round = 0; round < 3; ++round) {
    put_numbered(scene, t0, 150, 2h);
    while (!scene.all(t0).empty()) scene.clock.run_for(1s);
  }
  scope.cancel();
  scene.run(scope.join());

  CHECK(failures == 0);
}

TEST_CASE("keeping compacts at first and then only when that is due again") {
  SqliteScene scene{{.retention_every = 60s, .compaction_every = 1h}};
  scene.topic("t", 1, {}, true);
  scene.topic("witness", 1, 1h);
  const Partition witness{"witness", 0};
  Scope scope{scene.loop};
  scope.start(scene.log().keep([](const Failure& failure) { FAIL(failure.sentence); }));
  const auto a_round_later = [&] {  // what is old in the topic behind it has gone
    scene.put(witness, "old", "key", 2h);
    while (!scene.all(witness).empty()) scene.clock.run_for(100ms);  // slowly, so that no hour passes meanwhile
  };

  scene.put(t0, "a", "key");
  scene.put(t0, "b", "key");
  a_round_later();
  const auto at_first = scene.values(t0);
  scene.put(t0, "c", "key");
  a_round_later();
  a_round_later();
  const auto not_yet = scene.values(t0);
  scene.clock.run_for(1h);
  a_round_later();
  a_round_later();
  scope.cancel();
  scene.run(scope.join());

  CHECK(at_first == Values{"b"});
  CHECK(not_yet == Values{"b", "c"});
  CHECK(scene.values(t0) == Values{"c"});
}

TEST_CASE("keeping tells what fails and goes on") {
  SqliteScene scene{{.retention_every = 60s}};
  scene.topic("t", 1, 1h);
  put_numbered(scene, t0, 10, 2h);
  std::vector<Failure> failures;
  Scope scope{scene.loop};
  scene.store.change("CREATE TRIGGER no BEFORE DELETE ON log_record BEGIN SELECT raise(ABORT, 'no'); END", {});
  scope.start(scene.log().keep([&](const Failure& failure) { failures.push_back(failure); }));

  while (failures.empty()) {
    scene.clock.run_for(1s);
    scene.all(t0);
  }
  scene.store.change("DROP TRIGGER no", {});
  while (!scene.all(t0).empty()) scene.clock.run_for(1s);
  scope.cancel();
  scene.run(scope.join());

  CHECK(failures.front().sentence.find("removing old records") != std::string::npos);
}

}  // namespace sluice::log
