#include "tests/bench/bare_kafka.hpp"

#include "common/base/ensure.hpp"

namespace sluice::bench {
namespace {

rd_kafka_conf_t* bare_conf(const BareSettings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [name, value] : settings)
    ENSURE(rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK, "a known setting");
  return conf;
}

BareClient bare_client(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char why[512];
  BareClient client{rd_kafka_new(type, conf, why, sizeof why)};
  ENSURE(client != nullptr, "the bare client starts");
  return client;
}

}  // namespace

std::uint64_t touched(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
  return sum;
}

std::uint64_t touched(const rd_kafka_message_t& message) {
  std::uint64_t sum = touched({static_cast<const char*>(message.key), message.key_len}) +
                      touched({static_cast<const char*>(message.payload), message.len});
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return sum;
  const char* name = nullptr;
  const void* bytes = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &bytes, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    sum += touched(name) + touched({static_cast<const char*>(bytes), size});
  }
  return sum;
}

BareConsumer::BareConsumer(const char* brokers, const std::string& group, const std::string& topic)
    : client_(bare_client(RD_KAFKA_CONSUMER, bare_conf({{"bootstrap.servers", brokers},
                                                        {"group.id", group},
                                                        {"enable.auto.commit", "false"},
                                                        {"enable.auto.offset.store", "false"},
                                                        {"auto.offset.reset", "earliest"},
                                                        {"partition.assignment.strategy", "range"}}))),
      topic_(topic) {
  rd_kafka_poll_set_consumer(client_.get());
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(client_.get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);
}

BareMessage BareConsumer::next() {
  constexpr int wait_ms = 100;
  while (true) {
    BareMessage message{rd_kafka_consumer_poll(client_.get(), wait_ms)};
    if (message == nullptr || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const auto partition = static_cast<std::size_t>(message->partition);
    if (positions_.size() <= partition) positions_.resize(partition + 1, -1);
    positions_[partition] = message->offset + 1;
    return message;
  }
}

void BareConsumer::commit(bool wait) {
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(static_cast<int>(positions_.size()));
  for (std::size_t partition = 0; partition < positions_.size(); ++partition) {
    if (positions_[partition] < 0) continue;
    rd_kafka_topic_partition_list_add(offsets, topic_.c_str(), static_cast<std::int32_t>(partition))->offset =
        positions_[partition];
  }
  rd_kafka_commit(client_.get(), offsets, wait ? 0 : 1);
  rd_kafka_topic_partition_list_destroy(offsets);
}

BareProducer::BareProducer(const char* brokers, const char* linger) {
  rd_kafka_conf_t* conf = bare_conf({{"bootstrap.servers", brokers},
                                     {"enable.idempotence", "true"},
                                     {"acks", "all"},
                                     {"linger.ms", linger},
                                     {"socket.nagle.disable", "true"},
                                     {"queue.buffering.max.messages", "50000"}});
  rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    ENSURE(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, "the bare record is written");
    ++*static_cast<int*>(opaque);
  });
  rd_kafka_conf_set_opaque(conf, &reported_);
  client_ = bare_client(RD_KAFKA_PRODUCER, conf);
}

void BareProducer::produce(const std::string& topic, std::int32_t partition, const Record& record) {
  const auto error = rd_kafka_producev(
      client_.get(), RD_KAFKA_VTYPE_TOPIC, topic.c_str(), RD_KAFKA_VTYPE_PARTITION, partition, RD_KAFKA_VTYPE_KEY,
      record.key.data(), record.key.size(), RD_KAFKA_VTYPE_VALUE, record.value.data(), record.value.size(),
      RD_KAFKA_VTYPE_HEADERS, record.headers, RD_KAFKA_VTYPE_MSGFLAGS, RD_KAFKA_MSG_F_COPY, RD_KAFKA_VTYPE_END);
  ENSURE(error == RD_KAFKA_RESP_ERR_NO_ERROR, "the bare record is taken");
}

void BareProducer::wait_for(int count) {
  constexpr int wait_ms = 10;
  while (reported_ < count) rd_kafka_poll(client_.get(), wait_ms);
}

}  // namespace sluice::bench
