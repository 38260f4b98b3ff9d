// Owners of librdkafka's handles, each with the right destroy call, written once. A list or message that is never freed
// makes rd_kafka_destroy() wait for ever, so nothing of the library is held by a bare pointer.
#pragma once

#include <memory>
#include <string>

#include <librdkafka/rdkafka.h>

namespace sluice::log {

template <auto destroy>
struct KafkaDestroy {
  template <class T>
  void operator()(T* handle) const {
    destroy(handle);
  }
};

using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaDestroy<rd_kafka_conf_destroy>>;
using KafkaTopicHandle = std::unique_ptr<rd_kafka_topic_t, KafkaDestroy<rd_kafka_topic_destroy>>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, KafkaDestroy<rd_kafka_message_destroy>>;
using KafkaHeaders = std::unique_ptr<rd_kafka_headers_t, KafkaDestroy<rd_kafka_headers_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, KafkaDestroy<rd_kafka_event_destroy>>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, KafkaDestroy<rd_kafka_error_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaDestroy<rd_kafka_queue_destroy>>;
using KafkaPartitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, KafkaDestroy<rd_kafka_topic_partition_list_destroy>>;
using KafkaAdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, KafkaDestroy<rd_kafka_AdminOptions_destroy>>;
using KafkaNewTopic = std::unique_ptr<rd_kafka_NewTopic_t, KafkaDestroy<rd_kafka_NewTopic_destroy>>;
using KafkaConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, KafkaDestroy<rd_kafka_ConfigResource_destroy>>;

struct KafkaMetadataDestroy {
  void operator()(const rd_kafka_metadata_t* metadata) const { rd_kafka_metadata_destroy(metadata); }
};
using KafkaMetadata = std::unique_ptr<const rd_kafka_metadata_t, KafkaMetadataDestroy>;

// A client: its threads end here. Without the polite close of a group, which a consumer does itself before: whoever
// drops a client wants it gone now. Everything else that came from it must be destroyed before.
struct KafkaClientDestroy {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }
};
using KafkaClient = std::unique_ptr<rd_kafka_t, KafkaClientDestroy>;

inline KafkaPartitions new_partitions(std::size_t count) {
  return KafkaPartitions{rd_kafka_topic_partition_list_new(static_cast<int>(count))};
}

}  // namespace sluice::log
