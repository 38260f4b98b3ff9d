#include "tests/common/log/kafka_cluster.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/random.hpp"
#include "common/base/ensure.hpp"
#include "common/log/kafka_client.hpp"
#include "common/log/kafka_records.hpp"
#include "common/log/kafka_topics.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;
constexpr int patience_ms = std::chrono::milliseconds{patience}.count();

std::string needed(const char* variable) {
  const char* value = std::getenv(variable);
  REQUIRE_MESSAGE(value != nullptr, variable,
                  " is not set: run this test through scripts/test, which starts a Kafka for it");
  return value;
}

std::filesystem::path scripts() {
  return needed("TEST_SCRIPTS");
}

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const KafkaVoice& silence() {
  static const KafkaVoice voice{nullptr};
  return voice;
}

KafkaClient client_of(const KafkaSettings& settings, const KafkaCallbacks& callbacks = {}) {
  auto client = make_client(RD_KAFKA_PRODUCER, connection_properties(settings), silence(), callbacks);
  if (!client) FAIL(client.error().sentence);
  return std::move(*client);
}

// Asks through the admin interface and gives the answer, which must be good.
KafkaEvent ask(rd_kafka_t* client, const std::function<void(rd_kafka_queue_t*)>& question) {
  const KafkaQueue answers{rd_kafka_queue_new(client)};
  question(answers.get());
  KafkaEvent event{rd_kafka_queue_poll(answers.get(), patience_ms)};
  REQUIRE(event != nullptr);
  REQUIRE_MESSAGE(rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR,
                  rd_kafka_event_error_string(event.get()));
  return event;
}

// Brokers learn of a topic one after the other, so who asks one that was just made may have to ask again.
template <typename Answer>
Answer known_at_last(const std::function<std::optional<Answer>()>& question) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (auto answer = question()) return std::move(*answer);
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, "no broker knew the answer in time");
    std::this_thread::sleep_for(50ms);
  }
}

// Where the value of this record lies in the file of a partition; its checksum, which follows, tells it from others.
std::size_t place_of(const std::string& file, const Record& record) {
  const auto sum = checksum(record.key(), record.value(), record.headers());
  const auto at_sum = file.find(fmt::format("{:08x}", sum));
  if (at_sum == std::string::npos) return std::string::npos;
  return file.rfind(*record.value(), at_sum);
}

}  // namespace

std::string unique_name(std::string_view what) {
  static const std::uint64_t run = SystemRandom{}.next();
  static std::atomic<int> names{0};
  return fmt::format("{}-{:x}-{}", what, run, ++names);
}

KafkaCluster KafkaCluster::single() {
  return KafkaCluster{needed("TEST_KAFKA_SINGLE")};
}

KafkaCluster KafkaCluster::three() {
  return KafkaCluster{needed("TEST_KAFKA_THREE")};
}

KafkaCluster KafkaCluster::storm() {
  return KafkaCluster{needed("TEST_KAFKA_STORM")};
}

KafkaSettings KafkaCluster::settings() const {
  KafkaSettings settings;
  settings.brokers = brokers_;
  settings.session_wait_max = 6'000ms;
  settings.heartbeat_pause = 100ms;
  settings.request_wait_max = 20'000ms;
  return settings;
}

// Each cluster of this checkout has a folder in which its brokers are written.
std::filesystem::path KafkaCluster::folder() const {
  for (const auto& entry : std::filesystem::directory_iterator(scripts().parent_path() / "build" / "kafka")) {
    auto brokers = contents_of(entry.path() / "brokers");
    if (brokers == brokers_) return entry.path();
  }
  FAIL("no cluster of this checkout has the brokers ", brokers_);
  std::abort();  // FAIL throws; the compiler doesn't know
}

void KafkaCluster::node(std::string_view verb, int number) const {
  const auto command = fmt::format("'{}' {} {} --name '{}' >/dev/null 2>&1", (scripts() / "kafka").string(), verb,
                                   number, folder().filename().string());
  REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
}

void KafkaCluster::heal() const {
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    const auto name = entry.path().filename().string();
    if (entry.is_directory()) node("start-node", std::stoi(name));
  }
}

int KafkaCluster::leader_of(const Partition& partition) const {
  const auto client = client_of(settings());
  const auto topic = topic_handle(client.get(), partition.topic);
  return known_at_last<int>([&]() -> std::optional<int> {
    const rd_kafka_metadata_t* answer = nullptr;
    REQUIRE(rd_kafka_metadata(client.get(), 0, topic.get(), &answer, patience_ms) == RD_KAFKA_RESP_ERR_NO_ERROR);
    const KafkaMetadata metadata{answer};
    REQUIRE(metadata->topic_cnt == 1);
    if (metadata->topics[0].partition_cnt <= partition.number) return std::nullopt;
    const int leader = metadata->topics[0].partitions[partition.number].leader;
    return leader > 0 ? std::optional{leader} : std::nullopt;
  });
}

int KafkaCluster::coordinator_of(std::string_view group) const {
  const auto client = client_of(settings());
  const std::string name{group};
  const char* asked = name.c_str();
  return known_at_last<int>([&]() -> std::optional<int> {
    const auto event = ask(client.get(), [&](rd_kafka_queue_t* answers) {
      rd_kafka_DescribeConsumerGroups(client.get(), &asked, 1, nullptr, answers);
    });
    std::size_t count = 0;
    const auto* groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    REQUIRE(count == 1);
    const auto* node = rd_kafka_ConsumerGroupDescription_coordinator(groups[0]);
    return node != nullptr ? std::optional{rd_kafka_Node_id(node)} : std::nullopt;
  });
}

namespace {

// All settings of a topic, its own and those it has from elsewhere.
struct TopicConfig {
  KafkaEvent event;
  std::span<const rd_kafka_ConfigEntry_t*> entries;  // live in the event
};

TopicConfig config_of_topic(rd_kafka_t* client, const std::string& topic) {
  return known_at_last<TopicConfig>([&]() -> std::optional<TopicConfig> {
    const KafkaConfigResource resource{rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str())};
    auto* asked = resource.get();
    auto event =
        ask(client, [&](rd_kafka_queue_t* answers) { rd_kafka_DescribeConfigs(client, &asked, 1, nullptr, answers); });
    std::size_t count = 0;
    const auto* resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    REQUIRE(count == 1);
    if (rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
    const rd_kafka_ConfigEntry_t** first = rd_kafka_ConfigResource_configs(resources[0], &count);
    return TopicConfig{std::move(event), {first, count}};
  });
}

}  // namespace

std::string KafkaCluster::config_of(const std::string& topic, std::string_view name) const {
  const auto client = client_of(settings());
  const auto config = config_of_topic(client.get(), topic);
  for (const auto* entry : config.entries) {
    if (rd_kafka_ConfigEntry_name(entry) == name) return rd_kafka_ConfigEntry_value(entry);
  }
  return {};
}

// The admin interface sets all that a topic has of its own at once, so what it has is asked first.
void KafkaCluster::set_config(const std::string& topic, std::string_view name, const std::string& value) const {
  const auto client = client_of(settings());
  const auto config = config_of_topic(client.get(), topic);
  const KafkaConfigResource wanted{rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str())};
  for (const auto* entry : config.entries) {
    const bool is_its_own = rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
    if (!is_its_own || rd_kafka_ConfigEntry_name(entry) == name) continue;
    rd_kafka_ConfigResource_set_config(wanted.get(), rd_kafka_ConfigEntry_name(entry),
                                       rd_kafka_ConfigEntry_value(entry));
  }
  rd_kafka_ConfigResource_set_config(wanted.get(), std::string{name}.c_str(), value.c_str());
  auto* set = wanted.get();
  const auto done = ask(
      client.get(), [&](rd_kafka_queue_t* answers) { rd_kafka_AlterConfigs(client.get(), &set, 1, nullptr, answers); });
  std::size_t count = 0;
  const auto* resources =
      rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(done.get()), &count);
  REQUIRE(count == 1);
  REQUIRE(rd_kafka_ConfigResource_error(resources[0]) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

Offset KafkaCluster::append_foreign(const Outgoing& record) const {
  static thread_local Offset stored;
  stored = -1;
  const auto delivered = [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) stored = message->offset;
  };
  const auto client = client_of(settings(), {.delivered = delivered});
  const auto topic = topic_handle(client.get(), record.topic);
  KafkaHeaders headers{rd_kafka_headers_new(record.headers.size())};
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  const void* key = record.key ? record.key->data() : nullptr;
  const void* value = record.value ? record.value->data() : nullptr;
  const auto error = rd_kafka_producev(
      client.get(), RD_KAFKA_VTYPE_RKT, topic.get(), RD_KAFKA_VTYPE_PARTITION, record.partition, RD_KAFKA_VTYPE_KEY,
      key, record.key ? record.key->size() : std::size_t{0}, RD_KAFKA_VTYPE_VALUE, value,
      record.value ? record.value->size() : std::size_t{0}, RD_KAFKA_VTYPE_HEADERS, headers.get(), RD_KAFKA_VTYPE_END);
  REQUIRE(error == RD_KAFKA_RESP_ERR_NO_ERROR);
  (void)headers.release();
  REQUIRE(rd_kafka_flush(client.get(), patience_ms) == RD_KAFKA_RESP_ERR_NO_ERROR);
  REQUIRE(stored >= 0);
  return stored;
}

// As a program may that commits without being a member, while the group has none.
void KafkaCluster::commit_foreign(const std::string& group, const Partition& partition,
                                  const Committed& committed) const {
  auto properties = connection_properties(settings());
  properties.emplace_back("group.id", group);
  const auto client = make_client(RD_KAFKA_CONSUMER, properties, silence());
  REQUIRE(client.has_value());
  const auto list = new_partitions(1);
  auto* element = rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number);
  element->offset = committed.watermark;
  element->metadata = std::malloc(committed.metadata.size());  // freed with the list
  element->metadata_size = committed.metadata.size();
  std::ranges::copy(committed.metadata, static_cast<char*>(element->metadata));
  REQUIRE(rd_kafka_commit(client->get(), list.get(), 0) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void KafkaCluster::remove_before(const Partition& partition, Offset offset) const {
  const auto client = client_of(settings());
  const auto list = new_partitions(1);
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number)->offset = offset;
  auto* asked = rd_kafka_DeleteRecords_new(list.get());
  const auto event = ask(client.get(), [&](rd_kafka_queue_t* answers) {
    rd_kafka_DeleteRecords(client.get(), &asked, 1, nullptr, answers);
  });
  rd_kafka_DeleteRecords_destroy(asked);
  const auto* result = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  REQUIRE(result->elems[0].err == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void KafkaCluster::remove_topic(const std::string& topic) const {
  const auto client = client_of(settings());
  auto* asked = rd_kafka_DeleteTopic_new(topic.c_str());
  const auto event = ask(client.get(), [&](rd_kafka_queue_t* answers) {
    rd_kafka_DeleteTopics(client.get(), &asked, 1, nullptr, answers);
  });
  rd_kafka_DeleteTopic_destroy(asked);
}

void KafkaCluster::remove_topics(std::string_view beginning) const {
  const auto client = client_of(settings());
  const rd_kafka_metadata_t* answer = nullptr;
  REQUIRE(rd_kafka_metadata(client.get(), 1, nullptr, &answer, patience_ms) == RD_KAFKA_RESP_ERR_NO_ERROR);
  const KafkaMetadata metadata{answer};
  std::vector<rd_kafka_DeleteTopic_t*> asked;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const char* name = metadata->topics[i].topic;
    if (std::string_view{name}.starts_with(beginning)) asked.push_back(rd_kafka_DeleteTopic_new(name));
  }
  if (asked.empty()) return;
  const auto event = ask(client.get(), [&](rd_kafka_queue_t* answers) {
    rd_kafka_DeleteTopics(client.get(), asked.data(), asked.size(), nullptr, answers);
  });
  rd_kafka_DeleteTopic_destroy_array(asked.data(), asked.size());
}

void KafkaCluster::corrupt(const Partition& partition, const Record& record) const {
  const auto log = fmt::format("{}-{}", partition.topic, partition.number);
  bool flipped = false;
  for (const auto& node : std::filesystem::directory_iterator(folder())) {
    const auto path = node.path() / "data" / log / "00000000000000000000.log";
    if (!std::filesystem::exists(path)) continue;
    const auto place = place_of(contents_of(path), record);
    if (place == std::string::npos) continue;  // a follower that is still behind
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(place));
    file.put(static_cast<char>(record.value()->front() ^ 1));
    flipped = file.good();
  }
  REQUIRE(flipped);
}

}  // namespace sluice::log
