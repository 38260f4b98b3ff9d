#include "common/log/kafka_reader.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/log/kafka_errors.hpp"
#include "common/log/kafka_records.hpp"
#include "common/log/kafka_topics.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

constexpr auto one_message_wait_max = 100ms;  // so often we look whether the time is up

// A partition that is being read, stopped at the end of the call. What was fetched and not taken is dropped then.
class Reading {
 public:
  Reading(rd_kafka_topic_t* topic, std::int32_t partition) : topic_(topic), partition_(partition) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { stop(); }

  Done start(Offset from) {
    stop();
    if (rd_kafka_consume_start(topic_, partition_, from) != 0) {
      return fail(kafka_failure(rd_kafka_last_error(), "starting to read a partition"));
    }
    started_ = true;
    return {};
  }

  [[nodiscard]] KafkaMessage next() const {
    return KafkaMessage{rd_kafka_consume(topic_, partition_, static_cast<int>(one_message_wait_max.count()))};
  }

 private:
  void stop() {
    if (std::exchange(started_, false)) rd_kafka_consume_stop(topic_, partition_);
  }

  rd_kafka_topic_t* topic_;
  std::int32_t partition_;
  bool started_ = false;
};

}  // namespace

KafkaReader::KafkaReader(const KafkaSettings& settings, const KafkaVoice& voice, const Clock& clock)
    : settings_(settings), voice_(voice), clock_(clock) {}

Result<std::vector<Record>> KafkaReader::read(const Partition& partition, Offset from, ReadLimits limits) {
  return read_with(KafkaReading::range, partition, std::max<Offset>(from, 0), limits);
}

Result<Record> KafkaReader::read_one(const Partition& partition, Offset offset) {
  const auto absent = fmt::format("{}/{} has no record at {}", partition.topic, partition.number, offset);
  if (offset < 0) return fail(Kind::not_found, absent);
  auto found = read_with(KafkaReading::one, partition, offset, {.records_max = 1});
  if (!found) return fail(std::move(found.error()));
  if (found->empty() || found->front().offset() != offset) return fail(Kind::not_found, absent);
  return std::move(found->front());
}

Result<std::unique_ptr<KafkaReader::Seat>> KafkaReader::take_seat(KafkaReading reading) {
  auto& seats = reading == KafkaReading::one ? ones_ : ranges_;
  auto free = seats.with([](Seats& all) {
    std::unique_ptr<Seat> last;
    if (all.empty()) return last;
    last = std::move(all.back());
    all.pop_back();
    return last;
  });
  if (free) return free;
  auto client = make_client(RD_KAFKA_CONSUMER, reader_properties(settings_, reading), voice_);
  if (!client) return fail(std::move(client.error()));
  return std::make_unique<Seat>(Seat{std::move(*client), {}});
}

void KafkaReader::give_back(KafkaReading reading, std::unique_ptr<Seat> seat) {
  auto& seats = reading == KafkaReading::one ? ones_ : ranges_;
  seats.with([&](Seats& all) { all.push_back(std::move(seat)); });
}

Result<std::vector<Record>> KafkaReader::read_with(KafkaReading reading, const Partition& partition, Offset from,
                                                   ReadLimits limits) {
  if (limits.records_max == 0) return std::vector<Record>{};
  auto seat = take_seat(reading);
  if (!seat) return fail(std::move(seat.error()));
  auto read = read_on(**seat, partition, from, limits, clock_.now() + settings_.request_wait_max);
  give_back(reading, std::move(*seat));
  return read;
}

Result<std::vector<Record>> KafkaReader::read_on(Seat& seat, const Partition& partition, Offset from, ReadLimits limits,
                                                 Instant latest) {
  const auto begun = clock_.now();
  auto& topic = seat.topics[partition.topic];
  if (!topic) topic = topic_handle(seat.client.get(), partition.topic);
  Reading reading{topic.get(), partition.number};
  auto started = reading.start(from);
  if (!started) return fail(std::move(started.error()));

  std::vector<Record> records;
  std::vector<HeaderView> scratch;
  std::size_t bytes = 0;
  while (records.size() < limits.records_max) {
    if (stopping_) return fail(Kind::stopping, "the log is closed");
    const auto message = reading.next();
    const auto error = message ? message->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF) break;
    if (error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
      const auto above_end = is_above_end(seat, partition, from);
      if (!above_end) return fail(above_end.error());
      if (*above_end) break;
      started = reading.start(RD_KAFKA_OFFSET_BEGINNING);
      if (!started) return fail(std::move(started.error()));
    } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      auto failure = kafka_failure(error, fmt::format("reading {}/{}", partition.topic, partition.number));
      const bool may_appear = failure.kind == Kind::not_found && clock_.now() - begun < absent_topic_wait_max;
      if (may_appear || (kafka_passes_soon(error) && clock_.now() < latest)) continue;
      return fail(std::move(failure));
    } else {
      auto record = record_of(*message, scratch);
      if (!records.empty() && bytes + record.bytes() > limits.bytes_max) break;
      bytes += record.bytes();
      records.push_back(std::move(record));
    }
  }
  return records;
}

// The broker has nothing at that offset: it lies behind the end, or before what age has left.
Result<bool> KafkaReader::is_above_end(Seat& seat, const Partition& partition, Offset offset) {
  const auto span = ask_span(seat.client.get(), partition, settings_.request_wait_max);
  if (!span) return fail(span.error());
  return offset >= span->end;
}

}  // namespace sluice::log
