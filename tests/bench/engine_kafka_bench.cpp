// The engine on Kafka beside bare loops of librdkafka that read the same records and, for outputs, write as many, with
// as many headers, and commit what the broker has acknowledged: CPU time of the whole process per event. The database
// is a file: no row of it is touched while the journal is off.
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/ensure.hpp"
#include "common/log/kafka_log.hpp"
#include "common/store/migrations.hpp"
#include "tests/bench/bare_kafka.hpp"
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

// Writes each record on to `to` unless that is empty.
double bare_loop(const char* brokers, const std::string& from, const std::string& to) {
  BareConsumer consumer{brokers, fresh_prefix(), from};
  BareProducer producer{brokers, "0"};
  std::uint64_t sum = 0;
  const auto pass_on = [&](const rd_kafka_message_t& message) {
    rd_kafka_headers_t* headers = nullptr;
    rd_kafka_message_headers(&message, &headers);
    producer.produce(to, message.partition,
                     {.key = {static_cast<const char*>(message.key), message.key_len},
                      .value = {static_cast<const char*>(message.payload), message.len},
                      .headers = rd_kafka_headers_copy(headers)});
    producer.poll();
  };
  BareMessage message = consumer.next();  // joining is not measured
  const double seconds = cpu_seconds_of([&] {
    for (int seen = 1;; ++seen) {
      sum += touched(*message);
      if (!to.empty()) pass_on(*message);
      if (seen % commit_every == 0) {
        if (!to.empty()) producer.wait_for(seen);
        consumer.commit(false);
      }
      if (seen == events) break;
      message = consumer.next();
    }
  });
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
