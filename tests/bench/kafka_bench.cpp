// KafkaLog beside bare librdkafka with the same settings: the same keys, values and headers over the same broker.
#include <cstdlib>
#include <map>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "common/async/clock_real.hpp"
#include "common/async/scope.hpp"
#include "common/base/ensure.hpp"
#include "common/log/kafka_log.hpp"
#include "tests/bench/bare_kafka.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/run.hpp"

namespace sluice::bench {
namespace {

constexpr int partitions = 32;
constexpr int callers = 512;
constexpr int records = 102'400;
constexpr int records_one_by_one = 500;
constexpr int consumed = 200'000;
constexpr int commit_every = 500;
const std::string value(512, 'v');
const std::string key = "default|whatsapp:+31000000000|whatsapp:+31000000001";
const std::string header_name = "ce_id";
const std::string header_value = "0123456789abcdef0123456789abcdef";
const std::string sum_name = "sluice-crc32c";
const std::string sum_value = "e3069283";

const char* brokers() {
  const char* list = std::getenv("TEST_KAFKA_SINGLE");
  if (list == nullptr) {
    fmt::print(stderr, "sluice-bench: TEST_KAFKA_SINGLE is not set: run scripts/bench, which starts Kafka\n");
    std::exit(69);
  }
  return list;
}

std::string fresh_name(std::string_view what) {
  static int count = 0;
  return fmt::format("bench.{}.{}.{}", what, ::getpid(), count++);
}

log::Outgoing outgoing(const std::string& topic, int i) {
  return {.topic = topic,
          .partition = i % partitions,
          .key = key,
          .value = value,
          .headers = {{header_name, header_value}}};
}

struct OurLog {
  Loop loop;
  RealClock clock{loop};
  std::unique_ptr<log::KafkaLog> log;

  explicit OurLog(std::chrono::microseconds linger = {}) {
    log::KafkaSettings settings;
    settings.brokers = brokers();
    settings.linger = linger;
    log = log::KafkaLog::open(settings, clock).value();
  }
  ~OurLog() { run_task(loop, log->close()); }
  OurLog(const OurLog&) = delete;
  OurLog& operator=(const OurLog&) = delete;

  std::string make_topic(std::string_view what) {
    std::string name = fresh_name(what);
    ENSURE(run_task(loop, log->create_topics({{.name = name, .partitions = partitions}})).has_value(),
           "the topic is made");
    run_task(loop, append(*log, name, 0, partitions));  // every leader is known before anything is measured
    return name;
  }

  static Task<> append(log::Log& log, const std::string& topic, int from, int count) {
    for (int i = 0; i < count; ++i) {
      std::vector<log::Outgoing> one;
      one.push_back(outgoing(topic, from + i));
      auto stored = co_await log.append(std::move(one));
      stored.value();
    }
  }
  static Task<> append_all(Loop& loop, log::Log& log, const std::string& topic, int count) {
    Scope scope{loop};
    for (int caller = 0; caller < callers; ++caller) scope.start(append(log, topic, caller, count / callers));
    co_await scope.join();
  }
};

void produce(BareProducer& bare, const std::string& topic, int i) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(2);
  for (const auto& [name, bytes] : {std::pair{&header_name, &header_value}, std::pair{&sum_name, &sum_value}}) {
    rd_kafka_header_add(headers, name->data(), static_cast<ssize_t>(name->size()), bytes->data(),
                        static_cast<ssize_t>(bytes->size()));
  }
  bare.produce(topic, i % partitions, {.key = key, .value = value, .headers = headers});
}

double our_rate(const std::string& topic) {
  OurLog ours;
  run_task(ours.loop, OurLog::append(*ours.log, topic, 0, partitions));
  return records / seconds_of([&] { run_task(ours.loop, OurLog::append_all(ours.loop, *ours.log, topic, records)); });
}

double bare_rate(const std::string& topic, const char* linger) {
  BareProducer bare{brokers(), linger};
  for (int i = 0; i < partitions; ++i) produce(bare, topic, i);
  bare.wait_for(partitions);
  return records / seconds_of([&] {
           for (int i = 0; i < records; ++i) {
             while (partitions + i - bare.reported() >= callers) bare.wait_for(partitions + i - callers + 1);
             produce(bare, topic, i);
             bare.poll();
           }
           bare.wait_for(partitions + records);
         });
}

Task<std::vector<double>> latencies(log::Log& log, const std::string& topic) {
  std::vector<double> micros;
  for (int i = 0; i < records_one_by_one; ++i) {
    const auto start = std::chrono::steady_clock::now();
    co_await OurLog::append(log, topic, i, 1);
    micros.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  co_return micros;
}

double our_latency(const std::string& topic) {
  OurLog ours{std::chrono::microseconds{500}};
  run_task(ours.loop, OurLog::append(*ours.log, topic, 0, partitions));
  return median(run_task(ours.loop, latencies(*ours.log, topic)));
}

double bare_latency(const std::string& topic) {
  BareProducer bare{brokers(), "0.5"};
  for (int i = 0; i < partitions; ++i) produce(bare, topic, i);
  bare.wait_for(partitions);
  std::vector<double> micros;
  for (int i = 0; i < records_one_by_one; ++i) {
    micros.push_back(1e6 * seconds_of([&] {
                       produce(bare, topic, i);
                       bare.wait_for(partitions + i + 1);
                     }));
  }
  return median(micros);
}

Task<std::uint64_t> consume(log::Consumer& consumer) {
  std::uint64_t sum = 0;
  int seen = 0;
  std::map<log::Partition, log::Commit> next;
  std::map<log::Partition, log::Epoch> epochs;
  int since_commit = 0;
  while (seen < consumed) {
    auto notice = co_await consumer.next();
    auto* batch = std::get_if<log::Records>(&notice);
    if (batch == nullptr) continue;
    for (const auto& record : batch->records) {
      sum += touched(*record.key()) + touched(*record.value());
      for (const auto& header : record.headers()) sum += touched(header.name) + touched(*header.value);
      ++seen;
      ++since_commit;
    }
    next[batch->partition] = {
        .partition = batch->partition, .epoch = batch->epoch, .watermark = batch->records.back().offset() + 1};
    if (since_commit >= commit_every) {
      std::vector<log::Commit> commits;
      for (auto& [partition, commit] : next) commits.push_back(commit);
      next.clear();
      since_commit = 0;
      auto stored = co_await consumer.commit(std::move(commits));
      ENSURE(stored.has_value(), "the commit is stored");
    }
  }
  co_return sum;
}

Task<> leave(log::Consumer& consumer) {
  consumer.close();
  while (true) {
    auto notice = co_await consumer.next();
    if (const auto* revoking = std::get_if<log::Revoking>(&notice)) consumer.release(revoking->partitions);
    if (std::holds_alternative<log::Closed>(notice)) co_return;
  }
}

double our_consuming(const std::string& topic) {
  OurLog ours;
  auto consumer = run_task(ours.loop, ours.log->subscribe({.group = fresh_name("group"), .topics = {topic}})).value();
  run_task(ours.loop, consumer->next());  // assigned: joining a group takes as long as it takes
  const double rate = consumed / seconds_of([&] { run_task(ours.loop, consume(*consumer)); });
  run_task(ours.loop, leave(*consumer));
  return rate;
}

double bare_consuming(const std::string& topic) {
  BareConsumer bare{brokers(), fresh_name("bare"), topic};
  BareMessage message = bare.next();  // joining is not measured here either
  std::uint64_t sum = 0;
  return consumed / seconds_of([&] {
           for (int seen = 1;; ++seen) {
             sum += touched(*message);
             if (seen % commit_every == 0) bare.commit(true);
             if (seen == consumed) break;
             message = bare.next();
           }
         });
}

}  // namespace

void kafka_bench(Report& report) {
  if (!report.wants("kafka")) return;
  std::string topic;
  std::string full;
  {
    OurLog ours;
    topic = ours.make_topic("append");
    full = ours.make_topic("consume");
    run_task(ours.loop, OurLog::append_all(ours.loop, *ours.log, full, consumed + callers));
  }
  report.run({.name = "kafka append 512 B, 512 in flight",
              .unit = "/s",
              .goal = ">= 0.8 x bare",
              .ours = [&] { return our_rate(topic); },
              .baseline = [&] { return bare_rate(topic, "0"); }});
  report.run({.name = "kafka append latency p50, linger 0.5 ms",
              .unit = "us",
              .goal = "<= bare + 100 us",
              .ours = [&] { return our_latency(topic); },
              .baseline = [&] { return bare_latency(topic); }});
  report.run({.name = "kafka consume and commit",
              .unit = "/s",
              .goal = ">= 0.7 x bare",
              .ours = [&] { return our_consuming(full); },
              .baseline = [&] { return bare_consuming(full); }});
}

}  // namespace sluice::bench
