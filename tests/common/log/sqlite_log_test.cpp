// What is special to the embedded log: its bounds, its epochs and offsets across restarts, damage, a full disk.
#include <map>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/scope.hpp"
#include "tests/common/log/sqlite_scene.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;
using Values = std::vector<std::string>;

std::vector<Outgoing> one(std::string value, std::string topic = "t") {
  std::vector<Outgoing> records;
  records.push_back({.topic = std::move(topic), .partition = 0, .key = "key", .value = std::move(value)});
  return records;
}

}  // namespace

TEST_CASE("a record of exactly the limit passes and one byte more is invalid") {
  SqliteScene scene{{.record_bytes_max = 100}};
  scene.topic("t");
  auto fitting = one(std::string(90, 'v'));
  fitting[0].headers = {{"name", "123"}};
  auto larger = fitting;
  larger[0].headers[0].value = "1234";

  const auto stored = scene.append(std::move(fitting));
  const auto refused = scene.append(std::move(larger));

  CHECK(stored.has_value());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::invalid);
  CHECK(scene.all(t0).size() == 1);
}

TEST_CASE("a compacted topic needs keys") {
  SqliteScene scene;
  scene.topic("t", 1, {}, true);
  auto keyless = one("v");
  keyless[0].key.reset();

  const auto refused = scene.append(std::move(keyless));

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::invalid);
}

TEST_CASE("epochs rise across restarts for every partition") {
  SqliteScene scene;
  scene.topic("t", 3);
  std::map<Partition, Epoch> newest;

  for (int run = 0; run < 5; ++run) {
    for (int subscription = 0; subscription < 2; ++subscription) {
      const auto consumer = scene.subscribe("g", {"t"});
      for (const auto& assignment : scene.next<Assigned>(*consumer).partitions) {
        CHECK(assignment.epoch > newest[assignment.partition]);
        newest[assignment.partition] = assignment.epoch;
      }
    }
    if (run % 2 == 0) {
      scene.store.close();
      scene.store.open();
    } else {
      scene.store.crash();
    }
  }

  CHECK(newest.size() == 3);
}

TEST_CASE("a commit whose row already stands under a higher epoch is stale") {
  SqliteScene scene;
  scene.topic("t");
  const auto consumer = scene.subscribe("g", {"t"});
  const auto assignment = scene.next<Assigned>(*consumer).partitions[0];
  REQUIRE(scene.commit(*consumer, assignment, 1).has_value());

  scene.store.change("UPDATE log_commit SET epoch = epoch + 1", {});
  const auto refused = scene.commit(*consumer, assignment, 2);

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::stale);
  const auto committed = scene.run(scene.log().committed("g", t0));
  CHECK((*committed)->watermark == 1);
}

TEST_CASE("offsets rise over all partitions of the file and are never used again") {
  SqliteScene scene;
  scene.topic("t", 2, 1h);
  const auto first = scene.put(t0, "old", "k", 2h);
  const auto second = scene.put({"t", 1}, "old", "k", 2h);

  CHECK(scene.retain() == 2);
  const auto span = scene.run(scene.log().span({"t", 1}));
  scene.store.crash();
  const auto third = scene.put(t0, "new");

  CHECK(second == first + 1);
  CHECK(third > second);
  CHECK(span->first == span->end);
  CHECK(span->end == second + 1);
}

TEST_CASE("an emptied partition tells its end also to who starts at the beginning") {
  SqliteScene scene;
  scene.topic("t", 1, 1h);
  const auto last = scene.put(t0, "old", "k", 2h);
  scene.retain();
  scene.store.crash();

  const auto consumer = scene.subscribe("g", {"t"});

  CHECK(scene.next<ReachedEnd>(*consumer).end == last + 1);
}

TEST_CASE("damage to key or value or headers is poison and the rest flows") {
  SqliteScene scene;
  scene.topic("t");
  std::vector<Offset> offsets;
  for (int i = 0; i < 5; ++i) {
    auto record = one("value");
    record[0].headers = {{"name", "text"}};
    offsets.push_back(scene.append(std::move(record))->front());
  }
  scene.store.change("UPDATE log_record SET key = CAST('kez' AS BLOB) WHERE offset = $1", {offsets[0]});
  scene.store.change("UPDATE log_record SET value = NULL WHERE offset = $1", {offsets[1]});
  scene.store.change("UPDATE log_record SET headers = CAST('garbage' AS BLOB) WHERE offset = $1", {offsets[2]});
  scene.store.change("UPDATE log_record SET crc = 'text', at = 'never' WHERE offset = $1", {offsets[3]});

  const auto consumer = scene.subscribe("g", {"t"});
  const auto told = scene.next<Records>(*consumer);

  REQUIRE(told.records.size() == 5);
  CHECK(told.records[0].damage() == "checksum");
  CHECK(told.records[0].key() == "kez");
  CHECK(told.records[1].damage() == "checksum");
  CHECK_FALSE(told.records[1].value().has_value());
  CHECK(told.records[2].damage() == "headers");
  CHECK(told.records[2].raw_headers() == "garbage");
  CHECK(told.records[2].value() == "value");
  CHECK(told.records[3].damage() == "checksum");
  CHECK_FALSE(told.records[4].is_poison());
}

TEST_CASE("a full disk is exhausted and the log goes on when there is room again") {
  SqliteScene scene;
  scene.topic("t");
  scene.put(t0, "before");
  const auto pages = scene.store.number("PRAGMA page_count");
  scene.store.number(fmt::format("PRAGMA max_page_count = {}", pages + 2));

  auto refused = scene.append(one(std::string(100'000, 'v')));
  scene.store.number("PRAGMA max_page_count = 1000000");
  const auto after = scene.append(one("after"));

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::exhausted);
  CHECK_FALSE(refused.error().sentence.empty());
  CHECK(after.has_value());
  CHECK(scene.values(t0) == Values{"before", "after"});
}

TEST_CASE("when one of two records cannot be stored the other isn't either") {
  SqliteScene scene;
  scene.topic("t");
  const auto pages = scene.store.number("PRAGMA page_count");
  scene.store.number(fmt::format("PRAGMA max_page_count = {}", pages + 2));
  auto two = one("small");
  two.push_back(one(std::string(100'000, 'v'))[0]);

  const auto refused = scene.append(std::move(two));
  scene.store.number("PRAGMA max_page_count = 1000000");

  CHECK_FALSE(refused.has_value());
  CHECK(scene.all(t0).empty());
}

TEST_CASE("notices of a batch in an atomic append are heard") {
  SqliteScene scene;
  scene.topic("t");
  int heard = 0;
  std::unique_ptr<db::Listening> listening;
  const auto story = [](SqliteScene& in, int& times, std::unique_ptr<db::Listening>& ear) -> Task<> {
    ear = in.store.database().listen("channel", [&times] { ++times; });
    auto stored = co_await in.log().append_atomically(one("out"), {.statements = {}, .notices = {"channel"}}, {});
    CHECK(stored.has_value());
  };

  scene.run(story(scene, heard, listening));
  const auto deadline = scene.clock.now() + 30s;
  while (heard == 0 && scene.clock.now() < deadline) scene.loop.run_ready();

  CHECK(heard > 0);
}

TEST_CASE("an atomic append refuses wrong statements and illegal metadata and unknown partitions") {
  SqliteScene scene;
  scene.topic("t");
  const auto consumer = scene.subscribe("g", {"t"});
  const auto [partition, epoch, committed] = scene.next<Assigned>(*consumer).partitions[0];
  db::Batch wrong;
  wrong.statements.push_back({"UPDATE nowhere SET x = 1"});
  std::vector<Commit> illegal;
  illegal.push_back({partition, epoch, 1, "line\nbreak"});
  std::vector<Commit> elsewhere;
  elsewhere.push_back({{"t", 9}, epoch, 1, {}});

  const auto sql = scene.run(scene.log().append_atomically(one("a"), std::move(wrong), {}));
  const auto metadata = scene.run(scene.log().append_atomically(one("b"), {}, std::move(illegal)));
  const auto unknown = scene.run(scene.log().append_atomically(one("c"), {}, std::move(elsewhere)));

  CHECK(sql.error().kind == Kind::ours);
  CHECK(metadata.error().kind == Kind::invalid);
  CHECK(unknown.error().kind == Kind::not_found);
  CHECK(scene.all(t0).empty());
}

TEST_CASE("too many waiting reads are overloaded") {
  SqliteScene scene{{.reader_threads = 1, .reads_waiting_max = 1}};
  scene.topic("t");
  const auto flood = [](SqliteScene& in) -> Task<int> {
    int refused = 0;
    std::vector<std::shared_ptr<Reply<bool>>> replies;
    Scope scope{in.loop};
    const auto ask = [](SqliteScene& of, int& count) -> Task<> {
      auto span = co_await of.log().span(t0);
      if (!span && span.error().kind == Kind::overloaded) ++count;
    };
    for (int i = 0; i < 1000; ++i) scope.start(ask(in, refused));
    co_await scope.join();
    co_return refused;
  };

  const auto refused = scene.run(flood(scene));

  CHECK(refused > 0);
  CHECK(refused < 1000);
}

TEST_CASE("unknown names are not found by every call") {
  SqliteScene scene;
  scene.topic("t");
  const Partition absent{"absent", 0};

  CHECK(scene.run(scene.log().span(absent)).error().kind == Kind::not_found);
  CHECK(scene.run(scene.log().committed("g", {"t", 1})).error().kind == Kind::not_found);
  CHECK(scene.run(scene.log().read_one(absent, 0)).error().kind == Kind::not_found);
  CHECK(scene.run(scene.log().subscribe({.group = "g", .topics = {"absent"}})).error().kind == Kind::not_found);
}

TEST_CASE("a second opening of the same file finds topics and records and commits") {
  SqliteScene scene;
  scene.topic("t", 2, 5min, true);
  const auto offset = scene.put({"t", 1}, "value");
  {
    const auto consumer = scene.subscribe("g", {"t"});
    const auto assigned = scene.next<Assigned>(*consumer);
    REQUIRE(scene.commit(*consumer, assigned.partitions[1], offset + 1, "metadata").has_value());
  }

  scene.store.close();
  scene.store.open();

  const auto topics = scene.run(scene.log().topics());
  REQUIRE(topics->size() == 1);
  CHECK(topics->front().spec.partitions == 2);
  CHECK(topics->front().spec.retention == 5min);
  CHECK(topics->front().spec.compacted);
  CHECK(scene.values({"t", 1}) == Values{"value"});
  const auto committed = scene.run(scene.log().committed("g", {"t", 1}));
  CHECK((*committed)->watermark == offset + 1);
  CHECK((*committed)->metadata == "metadata");
}

TEST_CASE("opening an intact file writes nothing") {
  SqliteScene scene;
  scene.topic("t");
  scene.store.close();

  scene.store.open();

  CHECK(scene.store.file().figures().groups == 0);
}

TEST_CASE("a topic that lost a partition's row stops the start") {
  SqliteScene scene;
  scene.topic("t", 2);
  scene.store.change("DELETE FROM log_partition WHERE number = 1", {});
  scene.store.close();
  auto file = db::SqliteFile::open(scene.store.path());
  REQUIRE(file.has_value());

  const auto log = SqliteLog::open(**file, scene.loop, scene.clock);

  REQUIRE_FALSE(log.has_value());
  CHECK(log.error().kind == Kind::corrupt);
  CHECK(log.error().sentence.find("sluice restore") != std::string::npos);
}

}  // namespace sluice::log
