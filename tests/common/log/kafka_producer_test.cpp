// What becomes of appends when something is wrong with the broker, the topic, the session or the record.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/spawn.hpp"
#include "common/log/kafka_producer.hpp"
#include "common/log/kafka_records.hpp"
#include "tests/common/log/kafka_scene.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

std::vector<Asked> numbered(std::string_view what, int count) {
  std::vector<Asked> all;
  for (int i = 0; i < count; ++i) all.push_back({fmt::format("{}-{}", what, i), {}});
  return all;
}

bool all_answered(const std::vector<Asked>& all) {
  return std::ranges::all_of(all, [](const Asked& asked) { return asked.answer.has_value(); });
}

// A node that does not answer for as long as this lives.
class Frozen {
 public:
  Frozen(const KafkaCluster& cluster, int node) : cluster_(cluster), node_(node) { cluster_.node("pause-node", node_); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen() { cluster_.node("resume-node", node_); }

 private:
  const KafkaCluster& cluster_;
  int node_;
};

KafkaSettings hurried(KafkaScene& scene) {
  auto settings = scene.settings();
  settings.append_wait_max = 2'000ms;
  return settings;
}

Result<std::vector<Offset>> append(KafkaScene& scene, Log& log, Outgoing record) {
  std::vector<Outgoing> one;
  one.push_back(std::move(record));
  return scene.run(log.append(std::move(one)));
}

Result<std::vector<Offset>> append(KafkaScene& scene, KafkaProducer& producer, Outgoing record) {
  const auto reply = Reply<Appended>::on(scene.loop);
  std::vector<Outgoing> one;
  one.push_back(std::move(record));
  auto taken = producer.append(std::move(one), reply);
  if (!taken) return fail(std::move(taken.error()));
  return scene.run(reply->wait());
}

}  // namespace

TEST_CASE("a frozen broker gets an append its answer in time and it may be written") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto log = scene.open(hurried(scene));
  auto all = numbered("before", 1);
  Scope scope{scene.loop};
  ask_all(scene, scope, *log, partition, all);
  scene.run(scope.join());
  REQUIRE(all[0].answer->has_value());

  auto frozen = numbered("frozen", 5);
  {
    const Frozen node{scene.cluster, 1};
    ask_all(scene, scope, *log, partition, frozen);
    scene.run(scope.join());
  }

  for (const auto& asked : frozen) {
    REQUIRE_FALSE(asked.answer->has_value());
    CHECK(asked.answer->error().kind == Kind::maybe_done);
    CHECK(asked.took <= 2'300ms);
  }
  auto after = numbered("after", 3);
  CHECK(scene.until([&] { return append(scene, *log, to(partition, "again")).has_value(); }));
  ask_all(scene, scope, *log, partition, after);
  scene.run(scope.join());
  std::ranges::move(frozen, std::back_inserter(all));
  std::ranges::move(after, std::back_inserter(all));
  CHECK(check_agreement(scene, partition, all) == 4);
}

TEST_CASE("a frozen broker gets a question its answer in time") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto settings = scene.settings();
  settings.request_wait_max = 2'000ms;
  const auto log = scene.open(std::move(settings));
  REQUIRE(append(scene, *log, to(partition, "one")).has_value());
  REQUIRE(scene.run(log->span(partition)).has_value());  // from here on it is known who leads

  const auto took = [&](const auto& ask) {
    const Frozen node{scene.cluster, 1};
    const auto before = scene.clock.now();
    const auto answer = scene.run(ask());
    CHECK_FALSE(answer.has_value());
    return scene.clock.now() - before;
  };

  CHECK(took([&] { return log->span(partition); }) < 6s);
  CHECK(took([&] { return log->read(partition, 0, {}); }) < 6s);
  CHECK(scene.until([&] {
    const auto span = scene.run(log->span(partition));
    return span && span->first == 0 && span->end == 1;
  }));
}

TEST_CASE("a broker that was never reached gets an append its answer in time and it is not written") {
  KafkaScene scene{KafkaCluster::single()};
  auto settings = hurried(scene);
  settings.brokers = "127.0.0.1:1";
  const auto log = scene.open(std::move(settings));
  auto all = numbered("nowhere", 3);
  Scope scope{scene.loop};

  ask_all(scene, scope, *log, {"some-topic", 0}, all);
  scene.run(scope.join());

  for (const auto& asked : all) {
    REQUIRE_FALSE(asked.answer->has_value());
    CHECK(asked.answer->error().kind == Kind::unavailable);
    CHECK(asked.took <= 2'600ms);
  }
}

TEST_CASE("appends go on when a broker that was killed has come back") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto log = scene.open(hurried(scene));
  auto all = numbered("before", 20);
  Scope scope{scene.loop};
  ask_all(scene, scope, *log, partition, all);
  scene.run(scope.join());

  scene.cluster.node("kill-node", 1);
  auto during = numbered("during", 20);
  ask_all(scene, scope, *log, partition, during);
  scene.run(scope.join());
  scene.cluster.node("start-node", 1);
  CHECK(scene.until([&] { return append(scene, *log, to(partition, "probe")).has_value(); }));

  for (const auto& asked : during) {
    REQUIRE_FALSE(asked.answer->has_value());
    const auto kind = asked.answer->error().kind;
    CHECK((kind == Kind::unavailable || kind == Kind::maybe_done));
    CHECK(asked.took <= 2'300ms);
  }
  std::ranges::move(during, std::back_inserter(all));
  CHECK(check_agreement(scene, partition, all) == 20);
}

TEST_CASE("a producer whose session is broken is built anew and what was in flight has an answer") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto settings = scene.settings();
  const KafkaVoice voice{settings.on_log};
  auto producer = KafkaProducer::start(settings, voice, scene.clock);
  REQUIRE(producer.has_value());
  REQUIRE(append(scene, **producer, to(partition, "before")).has_value());

  std::vector<std::pair<std::string, std::shared_ptr<Reply<Appended>>>> in_flight;
  for (int i = 0; i < 200; ++i) {
    const auto reply = in_flight.emplace_back(fmt::format("flight-{}", i), Reply<Appended>::on(scene.loop)).second;
    std::vector<Outgoing> one;
    one.push_back(to(partition, in_flight.back().first));
    REQUIRE((*producer)->append(std::move(one), reply).has_value());
  }
  (*producer)->break_session();
  std::vector<Asked> all;
  for (auto& [value, reply] : in_flight) all.push_back({value, scene.run(reply->wait())});
  const bool goes_on = scene.until([&] { return append(scene, **producer, to(partition, "after")).has_value(); });

  CHECK(goes_on);
  CHECK(scene.heard("rebuilt"));
  for (const auto& asked : all) {
    if (*asked.answer) continue;
    const auto kind = asked.answer->error().kind;
    CHECK((kind == Kind::maybe_done || kind == Kind::unavailable));
  }
  check_agreement(scene, partition, all);
  (*producer)->stop();
  const auto late = append(scene, **producer, to(partition, "late"));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == Kind::stopping);
}

// A leader that has just been elected refuses the first requests and takes later ones: what follows must not overtake.
TEST_CASE("the first records of a new partition are all there, once and in order") {
  KafkaScene scene{KafkaCluster::single()};
  constexpr std::int32_t partitions = 40;  // the broker takes a while to begin with all of them
  for (int round = 0; round < 5; ++round) {
    const auto topic = scene.fresh_topic(partitions);
    std::vector<Outgoing> records;
    for (int i = 0; i < 5; ++i) {
      for (std::int32_t number = 0; number < partitions; ++number) {
        records.push_back(to({topic, number}, fmt::format("{}", i)));
      }
    }

    const auto stored = scene.run(scene.log->append(std::move(records)));

    REQUIRE(stored.has_value());
    for (std::size_t i = 0; i < stored->size(); ++i) CHECK((*stored)[i] == static_cast<Offset>(i / partitions));
    const auto there = all_of(scene, {topic, round});
    REQUIRE(there.size() == 5);
    for (const auto& record : there) CHECK(*record.value() == fmt::format("{}", record.offset()));
  }
}

TEST_CASE("who waits for a topic that is not there holds back only what follows to the same topics") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition known{scene.fresh_topic(1), 0};
  const Partition other{scene.fresh_topic(1), 0};
  REQUIRE(append(scene, *scene.log, to(known, "seen")).has_value());
  REQUIRE(append(scene, *scene.log, to(other, "seen")).has_value());
  std::vector<std::string> order;
  const auto note = [](Log& log, std::vector<Outgoing> records, std::string name,
                       std::vector<std::string>& into) -> Task<> {
    const auto answer = co_await log.append(std::move(records));
    into.push_back(name + (answer ? " stored" : " " + std::string{name_of(answer.error().kind)}));
  };
  const Partition absent{unique_name("absent"), 0};
  Scope scope{scene.loop};

  scope.start(note(*scene.log, {to(known, "a"), to(absent, "a")}, "first", order));
  scope.start(note(*scene.log, {to(known, "b")}, "second", order));
  scope.start(note(*scene.log, {to(other, "c")}, "third", order));
  scene.run(scope.join());

  CHECK(order == std::vector<std::string>{"third stored", "first not_found", "second stored"});
  const auto stored = all_of(scene, known);
  REQUIRE(stored.size() == 2);
  CHECK(stored[1].value() == "b");
}

TEST_CASE("a bound of bytes is an answer too") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto settings = scene.settings();
  settings.queue_bytes_max = 10'000;
  const auto log = scene.open(std::move(settings));
  auto all = numbered(std::string(1'000, '.'), 50);
  Scope scope{scene.loop};

  ask_all(scene, scope, *log, partition, all);
  scene.run(scope.join());

  const auto refused = std::ranges::count_if(
      all, [](const Asked& asked) { return !*asked.answer && asked.answer->error().kind == Kind::overloaded; });
  CHECK(refused > 0);
  CHECK(refused < 50);
  check_agreement(scene, partition, all);
}

TEST_CASE("a header whose name has a NUL byte is refused") {
  KafkaScene scene{KafkaCluster::single()};
  auto record = to({scene.fresh_topic(1), 0}, "v");
  record.headers = {{std::string("a\0b", 3), "value"}};

  const auto refused = append(scene, *scene.log, std::move(record));

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::invalid);
}

TEST_CASE("a log that is dropped answers what is in flight as maybe written") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto log = scene.open(scene.settings());
  REQUIRE(append(scene, *log, to(partition, "before")).has_value());
  std::vector<Asked> all = numbered("dropped", 3);
  {
    const Frozen node{scene.cluster, 1};
    Scope scope{scene.loop};
    ask_all(scene, scope, *log, partition, all);
    scene.run(scene.clock.sleep_for(50ms));  // so that they have begun

    log.reset();
    scene.run(scope.join());
  }

  for (const auto& asked : all) {
    REQUIRE_FALSE(asked.answer->has_value());
    CHECK(asked.answer->error().kind == Kind::maybe_done);
  }
}

TEST_CASE("closing waits until everything is acknowledged") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  const auto log = scene.open(scene.settings());
  auto all = numbered("closing", 500);
  Scope scope{scene.loop};
  ask_all(scene, scope, *log, partition, all);
  const auto nothing = [](RealClock& clock) -> Task<> { co_await clock.sleep_for(1us); };
  scene.run(nothing(scene.clock));

  scene.run(log->close());
  scene.run(log->close());

  CHECK(all_answered(all));
  scene.run(scope.join());
  CHECK(check_agreement(scene, partition, all) == 500);
}

TEST_CASE("a checksum that is wrong makes poison and one that is not the last header is somebody else's") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto record = to(partition, "value");
  record.headers = {{"a", "1"}, {std::string{checksum_header}, "00000000"}};
  const auto wrong = scene.cluster.append_foreign(record);
  record.headers = {{std::string{checksum_header}, "short"}};
  const auto malformed = scene.cluster.append_foreign(record);
  record.headers = {{std::string{checksum_header}, std::nullopt}};
  const auto absent = scene.cluster.append_foreign(record);
  record.headers = {{std::string{checksum_header}, "00000000"}, {"b", "2"}};
  const auto inside = scene.cluster.append_foreign(record);

  for (const auto offset : {wrong, malformed, absent}) {
    const auto read = scene.run(scene.log->read_one(partition, offset));
    REQUIRE(read.has_value());
    CHECK(read->damage() == "checksum");
    CHECK(read->value() == "value");
    CHECK(read->headers().back().name == checksum_header);
  }
  const auto foreign = scene.run(scene.log->read_one(partition, inside));
  REQUIRE(foreign.has_value());
  CHECK_FALSE(foreign->is_poison());
  CHECK(foreign->headers().size() == 2);
}

TEST_CASE("a record that is read and appended again keeps its headers and gets a checksum of its own") {
  KafkaScene scene{KafkaCluster::single()};
  const Partition partition{scene.fresh_topic(1), 0};
  auto record = to(partition, "value");
  record.headers = {{"a", "1"}, {std::string{checksum_header}, "not ours"}};

  const auto stored = append(scene, *scene.log, std::move(record));

  REQUIRE(stored.has_value());
  const auto read = scene.run(scene.log->read_one(partition, stored->front()));
  REQUIRE(read.has_value());
  CHECK_FALSE(read->is_poison());
  REQUIRE(read->headers().size() == 2);
  CHECK(read->headers()[1] == HeaderView{checksum_header, "not ours"});
}

}  // namespace sluice::log
