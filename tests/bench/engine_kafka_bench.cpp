// The engine on Kafka beside bare loops of librdkafka that read the same records and, for outputs, write as many: CPU
// time of the whole process per event. The database is a file: no row of it is touched while the journal is off.
#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/ensure.hpp"
#include "common/log/kafka_log.hpp"
#include "common/store/migrations.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/engine_load.hpp"

namespace sluice::bench {
namespace {

constexpr int events = 100'000;
constexpr int conversations = 1'000;
constexpr int commit_every = 500;

std::string fresh_prefix() {
  static int count = 0;
  return fmt::format("bench.engine.{}.{}", ::getpid(), count++);
}

class KafkaLoad {
 public:
  explicit KafkaLoad(const char* brokers) {
    log::KafkaSettings settings;
    settings.brokers = brokers;
    log_ = log::KafkaLog::open(settings, clock_).value();
    run_task(loop_, store::migrate(database_, clock_)).value();
    const auto topics = event::topics_of(prefix, "classify");
    std::vector<log::TopicSpec> specs;
    for (const auto& name : {topics.main, topics.retry, topics.dead, event::main_topic_of(prefix, "send")})
      specs.push_back({.name = name, .partitions = event::partitions_per_topic});
    ENSURE(run_task(loop_, log_->create_topics(std::move(specs))).has_value(), "the topics are made");
    constexpr int batch_max = 1'000;
    for (int n = 0; n < events;) {
      std::vector<log::Outgoing> batch;
      for (int i = 0; i < batch_max; ++i, ++n)
        batch.push_back(event_record(bench_message(n, conversations), topics.main));
      run_task(loop_, log_->append(std::move(batch))).value();
    }
  }
  ~KafkaLoad() {
    run_task(loop_, log_->close());
    run_task(loop_, database_.close());
    file_->close();
  }
  KafkaLoad(const KafkaLoad&) = delete;
  KafkaLoad& operator=(const KafkaLoad&) = delete;

  // Microseconds of CPU per event, from the first assignment on: joining a group takes as long as it takes.
  double work_through(BenchHandler::Work work) {
    BenchHandler handler{std::move(work)};
    engine::EngineLimits limits;
    limits.journal = false;
    engine::Engine engine{{.name = "classify", .prefix = prefix},
                          handler,
                          {.loop = loop_,
                           .clock = clock_,
                           .random = random_,
                           .log = *log_,
                           .database = database_,
                           .logger = logger_,
                           .owner = "bench"},
                          limits};
    Scope scope{loop_};
    scope.start(engine.run());
    run_task(loop_, until([&] { return engine.figures().pairs > 0; }));
    const double seconds =
        cpu_seconds_of([&] { run_task(loop_, until([&] { return engine.figures().finished >= events; })); });
    engine.stop();
    run_task(loop_, scope.join());
    return seconds * 1e6 / events;
  }

  const std::string prefix = fresh_prefix();

 private:
  Task<> until(std::function<bool()> reached) {
    constexpr std::chrono::milliseconds pause{1};
    while (!reached()) co_await clock_.sleep_for(pause);
  }

  TempFolder folder_;
  Loop loop_;
  RealClock clock_{loop_};
  SystemRandom random_;
  Logger logger_{clock_, "bench", {.level = Level::error}, [](std::string_view) {}};
  std::unique_ptr<db::SqliteFile> file_ = db::SqliteFile::open(folder_ / "sluice.db").value();
  db::SqliteDatabase database_{*file_};
  std::unique_ptr<log::KafkaLog> log_;
};

struct Destroy {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
};
using Handle = std::unique_ptr<rd_kafka_t, Destroy>;

using Settings = std::vector<std::pair<const char*, std::string>>;
Handle bare(rd_kafka_type_t type, const Settings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [name, value] : settings)
    ENSURE(rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK, "a known setting");
  Handle handle{rd_kafka_new(type, conf, why, sizeof why)};
  ENSURE(handle != nullptr, "the bare client starts");
  return handle;
}

// Reads all of it with a commit for every so many records, and writes each value on to `to` unless that is empty.
double bare_loop(const char* brokers, const std::string& from, const std::string& to) {
  const Handle consumer = bare(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                   {"group.id", fresh_prefix()},
                                                   {"enable.auto.commit", "false"},
                                                   {"enable.auto.offset.store", "true"},
                                                   {"auto.offset.reset", "earliest"},
                                                   {"partition.assignment.strategy", "range"}});
  const Handle producer = bare(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                   {"enable.idempotence", "true"},
                                                   {"linger.ms", "0"},
                                                   {"queue.buffering.max.messages", "200000"}});
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, from.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(consumer.get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);
  int seen = 0;
  const auto take = [&](rd_kafka_message_t* message) {
    if (!to.empty()) {
      std::array<rd_kafka_vu_t, 5> parts{};
      parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
      parts[0].u.cstr = to.c_str();
      parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
      parts[1].u.i32 = message->partition;
      parts[2].vtype = RD_KAFKA_VTYPE_KEY;
      parts[2].u.mem = {message->key, message->key_len};
      parts[3].vtype = RD_KAFKA_VTYPE_VALUE;
      parts[3].u.mem = {message->payload, message->len};
      parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
      parts[4].u.i = RD_KAFKA_MSG_F_COPY;
      const rd_kafka_error_t* error = rd_kafka_produceva(producer.get(), parts.data(), parts.size());
      ENSURE(error == nullptr, "the bare record is taken");
      rd_kafka_poll(producer.get(), 0);
    }
    if (++seen % commit_every == 0) rd_kafka_commit(consumer.get(), nullptr, 1);
    rd_kafka_message_destroy(message);
  };
  rd_kafka_message_t* first = nullptr;  // joining is not measured
  while (first == nullptr || first->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (first != nullptr) rd_kafka_message_destroy(first);
    constexpr int wait_ms = 100;
    first = rd_kafka_consumer_poll(consumer.get(), wait_ms);
  }
  const double seconds = cpu_seconds_of([&] {
    take(first);
    constexpr int wait_ms = 100;
    while (seen < events) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), wait_ms);
      if (message == nullptr) continue;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        take(message);
      } else {
        rd_kafka_message_destroy(message);
      }
    }
    constexpr int flush_ms = 60'000;
    ENSURE(rd_kafka_flush(producer.get(), flush_ms) == RD_KAFKA_RESP_ERR_NO_ERROR, "all bare records are written");
  });
  rd_kafka_consumer_close(consumer.get());
  return seconds * 1e6 / events;
}

}  // namespace

void engine_kafka_bench(Report& report) {
  if (!report.wants("engine kafka")) return;
  const char* brokers = std::getenv("TEST_KAFKA_SINGLE");
  if (brokers == nullptr) {
    fmt::print(stderr, "sluice-bench: the engine's figures on Kafka need TEST_KAFKA_SINGLE and are left out\n");
    return;
  }
  const auto pair = [&](std::string_view name, std::string_view goal, bool outputs) {
    report.run({.name = fmt::format("engine kafka no-op, {}", name),
                .unit = "us",
                .goal = std::string{goal},
                .ours = [=] { return KafkaLoad{brokers}.work_through(outputs ? one_output() : no_outputs()); },
                .baseline =
                    [=] {
                      const KafkaLoad load{brokers};
                      return bare_loop(brokers, event::main_topic_of(load.prefix, "classify"),
                                       outputs ? event::main_topic_of(load.prefix, "send") : std::string{});
                    }});
  };
  pair("no outputs", "<= bare + 6 us of CPU", false);
  pair("one output", "<= bare + 12 us of CPU", true);
}

}  // namespace sluice::bench
