// librdkafka as its documentation shows it, to measure against.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::bench {

struct BareDestroy {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using BareClient = std::unique_ptr<rd_kafka_t, BareDestroy>;
using BareMessage = std::unique_ptr<rd_kafka_message_t, BareDestroy>;
using BareSettings = std::vector<std::pair<const char*, std::string>>;

// Every byte is looked at, so that nobody measures a pointer.
std::uint64_t touched(std::string_view bytes);
std::uint64_t touched(const rd_kafka_message_t& message);  // key, value and headers

// A member of a group of its own that reads a topic from its beginning. It commits nothing by itself.
class BareConsumer {
 public:
  BareConsumer(const char* brokers, const std::string& group, const std::string& topic);
  ~BareConsumer() { rd_kafka_consumer_close(client_.get()); }
  BareConsumer(const BareConsumer&) = delete;
  BareConsumer& operator=(const BareConsumer&) = delete;

  BareMessage next();      // waits until one has come
  void commit(bool wait);  // what it has returned

 private:
  BareClient client_;
  std::string topic_;
  std::vector<std::int64_t> positions_;  // by partition; -1: nothing was read
};

// Produce, poll, count the reports.
class BareProducer {
 public:
  BareProducer(const char* brokers, const char* linger);

  struct Record {
    std::string_view key;
    std::string_view value;
    rd_kafka_headers_t* headers = nullptr;  // given away
  };
  void produce(const std::string& topic, std::int32_t partition, const Record& record);
  void poll() { rd_kafka_poll(client_.get(), 0); }
  void wait_for(int count);
  [[nodiscard]] int reported() const { return reported_; }

 private:
  int reported_ = 0;
  BareClient client_;
};

}  // namespace sluice::bench
