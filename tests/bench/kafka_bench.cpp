// KafkaLog beside bare librdkafka with the same settings: the same keys, values and headers over the same broker.
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "common/async/clock_real.hpp"
#include "common/async/scope.hpp"
#include "common/base/ensure.hpp"
#include "common/log/kafka_log.hpp"
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

// A producer as its documentation shows it: produce, poll, count the reports.
class BareProducer {
 public:
  explicit BareProducer(const char* linger) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers());
    set(conf, "enable.idempotence", "true");
    set(conf, "acks", "all");
    set(conf, "linger.ms", linger);
    set(conf, "socket.nagle.disable", "true");
    set(conf, "queue.buffering.max.messages", "50000");
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
      ENSURE(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, "the bare record is written");
      ++*static_cast<int*>(opaque);
    });
    rd_kafka_conf_set_opaque(conf, &reported_);
    char why[512];
    producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why));
    ENSURE(producer_ != nullptr, "the bare producer starts");
  }

  void produce(const std::string& topic, int i) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, header_name.data(), static_cast<ssize_t>(header_name.size()), header_value.data(),
                        static_cast<ssize_t>(header_value.size()));
    rd_kafka_header_add(headers, sum_name.data(), static_cast<ssize_t>(sum_name.size()), sum_value.data(),
                        static_cast<ssize_t>(sum_value.size()));
    std::array<rd_kafka_vu_t, 6> parts{};
    parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    parts[0].u.cstr = topic.c_str();
    parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[1].u.i32 = i % partitions;
    parts[2].vtype = RD_KAFKA_VTYPE_KEY;
    parts[2].u.mem = {const_cast<char*>(key.data()), key.size()};
    parts[3].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[3].u.mem = {const_cast<char*>(value.data()), value.size()};
    parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[4].u.i = RD_KAFKA_MSG_F_COPY;
    parts[5].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[5].u.headers = headers;
    rd_kafka_error_t* error = rd_kafka_produceva(producer_.get(), parts.data(), parts.size());
    ENSURE(error == nullptr, "the bare record is taken");
  }
  void wait_for(int count) {
    while (reported_ < count) rd_kafka_poll(producer_.get(), 10);
  }
  void poll() { rd_kafka_poll(producer_.get(), 0); }
  [[nodiscard]] int reported() const { return reported_; }

 private:
  static void set(rd_kafka_conf_t* conf, const char* name, const char* what) {
    char why[512];
    ENSURE(rd_kafka_conf_set(conf, name, what, why, sizeof why) == RD_KAFKA_CONF_OK, "the bare setting is known");
  }
  struct Destroy {
    void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  };
  int reported_ = 0;
  std::unique_ptr<rd_kafka_t, Destroy> producer_;
};

double our_rate(const std::string& topic) {
  OurLog ours;
  run_task(ours.loop, OurLog::append(*ours.log, topic, 0, partitions));
  return records / seconds_of([&] { run_task(ours.loop, OurLog::append_all(ours.loop, *ours.log, topic, records)); });
}

double bare_rate(const std::string& topic, const char* linger) {
  BareProducer bare{linger};
  for (int i = 0; i < partitions; ++i) bare.produce(topic, i);
  bare.wait_for(partitions);
  return records / seconds_of([&] {
           for (int i = 0; i < records; ++i) {
             while (partitions + i - bare.reported() >= callers) bare.wait_for(partitions + i - callers + 1);
             bare.produce(topic, i);
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
  BareProducer bare{"0.5"};
  for (int i = 0; i < partitions; ++i) bare.produce(topic, i);
  bare.wait_for(partitions);
  std::vector<double> micros;
  for (int i = 0; i < records_one_by_one; ++i) {
    micros.push_back(1e6 * seconds_of([&] {
                       bare.produce(topic, i);
                       bare.wait_for(partitions + i + 1);
                     }));
  }
  return median(micros);
}

// Every byte is looked at, so that nobody measures a pointer.
std::uint64_t touched(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
  return sum;
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
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const auto set = [conf](const char* name, const char* what) {
    char why[512];
    ENSURE(rd_kafka_conf_set(conf, name, what, why, sizeof why) == RD_KAFKA_CONF_OK, "the bare setting is known");
  };
  set("bootstrap.servers", brokers());
  set("group.id", fresh_name("bare").c_str());
  set("enable.auto.commit", "false");
  set("enable.auto.offset.store", "false");
  set("auto.offset.reset", "earliest");
  set("partition.assignment.strategy", "range");
  char why[512];
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
  ENSURE(consumer != nullptr, "the bare consumer starts");
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(consumer, topics);
  rd_kafka_topic_partition_list_destroy(topics);

  std::uint64_t sum = 0;
  int seen = 0;
  std::vector<std::int64_t> next(partitions, -1);
  const auto take = [&](rd_kafka_message_t* message) {
    sum += touched({static_cast<const char*>(message->key), message->key_len}) +
           touched({static_cast<const char*>(message->payload), message->len});
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const char* name = nullptr;
      const void* bytes = nullptr;
      std::size_t size = 0;
      for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &bytes, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
           ++i) {
        sum += touched(name) + touched({static_cast<const char*>(bytes), size});
      }
    }
    next[static_cast<std::size_t>(message->partition)] = message->offset + 1;
    ++seen;
  };
  const auto commit = [&] {
    rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(partitions);
    for (int partition = 0; partition < partitions; ++partition) {
      if (next[static_cast<std::size_t>(partition)] < 0) continue;
      rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset =
          next[static_cast<std::size_t>(partition)];
    }
    rd_kafka_commit(consumer, offsets, 0);
    rd_kafka_topic_partition_list_destroy(offsets);
  };
  rd_kafka_message_t* first = nullptr;  // joining is not measured here either
  while (first == nullptr || first->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (first != nullptr) rd_kafka_message_destroy(first);
    first = rd_kafka_consumer_poll(consumer, 100);
  }
  const double rate = consumed / seconds_of([&] {
                        take(first);
                        rd_kafka_message_destroy(first);
                        while (seen < consumed) {
                          rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
                          if (message == nullptr) continue;
                          if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) take(message);
                          rd_kafka_message_destroy(message);
                          if (seen % commit_every == 0) commit();
                        }
                      });
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  return rate;
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
