#include "common/log/kafka_admin.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/log/kafka_commits.hpp"
#include "common/log/kafka_errors.hpp"
#include "common/log/kafka_topics.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

constexpr auto one_answer_wait_max = 1'000ms;  // of the many that patience asks for
constexpr auto asking_again_pause = 50ms;
constexpr auto known_topic_wait_max = 5'000ms;  // until every broker has learnt of it
constexpr std::int32_t replicas_wished = 3;
constexpr std::int32_t partitions_max = 10'000;
constexpr auto asking_for_a_watermark = "asking for a group's watermark";
constexpr std::size_t bystanders_max = 8;  // groups that are asked about; each costs a client with its threads

std::vector<std::pair<std::string, std::string>> configs_of(const TopicSpec& topic, std::int32_t replicas) {
  const bool ages = topic.retention.has_value();
  const std::string_view policy = topic.compacted ? (ages ? "compact,delete" : "compact") : "delete";
  return {{"cleanup.policy", std::string{policy}},
          {"retention.ms", fmt::format("{}", ages ? topic.retention->count() : -1)},
          {"max.message.bytes", "4194304"},
          {"min.insync.replicas", replicas >= replicas_wished ? "2" : "1"}};
}

KafkaNewTopic new_topic(const TopicSpec& topic, std::int32_t replicas) {
  std::array<char, 256> why{};
  KafkaNewTopic made{rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, replicas, why.data(), why.size())};
  ENSURE(made != nullptr, "a topic that was checked can be asked for");
  for (const auto& [name, value] : configs_of(topic, replicas)) {
    rd_kafka_NewTopic_set_config(made.get(), name.c_str(), value.c_str());
  }
  return made;
}

Done check_spec(const TopicSpec& topic) {
  if (!is_legal_topic(topic.name)) {
    return fail(Kind::invalid,
                fmt::format("'{}' cannot name a topic; allowed are 1 to 249 letters, digits, dots, dashes "
                            "and underscores",
                            topic.name));
  }
  if (topic.partitions < 1 || topic.partitions > partitions_max) {
    return fail(Kind::invalid, fmt::format("topic '{}' with {} partitions; allowed are 1 to {}", topic.name,
                                           topic.partitions, partitions_max));
  }
  return {};
}

void read_config(const rd_kafka_ConfigResource_t* resource, TopicSpec& topic) {
  std::size_t count = 0;
  const auto* entries = rd_kafka_ConfigResource_configs(resource, &count);
  std::string_view policy;
  std::int64_t retention = -1;
  for (const auto* entry : std::span{entries, count}) {
    const std::string_view name = rd_kafka_ConfigEntry_name(entry);
    const auto* given = rd_kafka_ConfigEntry_value(entry);
    const std::string_view value = given ? given : "";
    if (name == "cleanup.policy") policy = value;
    if (name == "retention.ms") std::from_chars(value.data(), value.data() + value.size(), retention);
  }
  topic.compacted = policy.find("compact") != std::string_view::npos;
  const bool ages = policy.find("delete") != std::string_view::npos && retention >= 0;
  topic.retention = ages ? std::optional{std::chrono::milliseconds{retention}} : std::nullopt;
}

}  // namespace

KafkaAdmin::KafkaAdmin(const KafkaSettings& settings, const KafkaVoice& voice, const Clock& clock, KafkaClient client)
    : settings_(settings), voice_(voice), clock_(clock), client_(std::move(client)) {}

template <class Ask>
auto KafkaAdmin::patiently(const Ask& ask) -> decltype(ask(Milliseconds{})) {
  const auto begun = clock_.now();
  const KafkaQueue nothing{rd_kafka_queue_new(client_.get())};  // waiting for it is how this thread pauses
  for (;;) {
    if (stopping_) return fail(Kind::stopping, "the log is closed");
    auto answer = ask(std::min<Milliseconds>(one_answer_wait_max, settings_.request_wait_max));
    if (answer) return answer;
    const auto kind = answer.error().kind;
    const auto patience = kind == Kind::unavailable ? Duration{settings_.request_wait_max}
                          : kind == Kind::not_found ? Duration{absent_topic_wait_max}
                                                    : Duration{};
    if (clock_.now() - begun >= patience) return answer;
    const KafkaEvent none{rd_kafka_queue_poll(nothing.get(), static_cast<int>(asking_again_pause.count()))};
  }
}

Result<KafkaEvent> KafkaAdmin::ask_admin(
    std::string_view what, rd_kafka_admin_op_t operation, Milliseconds wait,
    const std::function<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& ask) {
  std::array<char, 256> why{};
  const auto time = static_cast<int>(wait.count());
  const KafkaQueue answers{rd_kafka_queue_new(client_.get())};
  const KafkaAdminOptions options{rd_kafka_AdminOptions_new(client_.get(), operation)};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), time, why.data(), why.size());
  if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS) {
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), time, why.data(), why.size());
  }
  ask(options.get(), answers.get());
  KafkaEvent event{rd_kafka_queue_poll(answers.get(), 2 * time)};
  if (!event) return fail(Kind::unavailable, fmt::format("{}: no answer", what));
  const auto error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(error, what));
  return event;
}

// --- Creating
// ------------------------------------------------------------------------------------------------------------

Done KafkaAdmin::create_topics(const std::vector<TopicSpec>& topics) {
  for (const auto& topic : topics) {
    auto legal = check_spec(topic);
    if (!legal) return legal;
  }
  if (topics.empty()) return {};
  const auto brokers = count_brokers();
  if (!brokers) return fail(brokers.error());
  auto created = create(topics, std::min(replicas_wished, *brokers));
  if (!created) return created;
  std::optional<Failure> first;
  for (const auto& topic : topics) {
    auto settled = settle_existing(topic);
    if (!settled && !first) first = std::move(settled.error());
  }
  if (first) return fail(std::move(*first));
  return {};
}

Result<std::int32_t> KafkaAdmin::count_brokers() {
  return patiently([this](Milliseconds wait) -> Result<std::int32_t> {
    const rd_kafka_metadata_t* answer = nullptr;
    const auto error = rd_kafka_metadata(client_.get(), 0, nullptr, &answer, static_cast<int>(wait.count()));
    const KafkaMetadata metadata{answer};
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(error, "asking for the brokers"));
    return std::max(1, metadata->broker_cnt);
  });
}

Done KafkaAdmin::create(std::span<const TopicSpec> topics, std::int32_t replicas) {
  return patiently([&](Milliseconds wait) -> Done {
    std::vector<KafkaNewTopic> made;
    std::vector<rd_kafka_NewTopic_t*> asked;
    for (const auto& topic : topics) asked.push_back(made.emplace_back(new_topic(topic, replicas)).get());
    const auto event =
        ask_admin("creating topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, wait, [&](auto* options, auto* queue) {
          rd_kafka_CreateTopics(client_.get(), asked.data(), asked.size(), options, queue);
        });
    if (!event) return fail(event.error());
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
    for (const auto* result : std::span{results, count}) {
      const auto error = rd_kafka_topic_result_error(result);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
      return fail(kafka_failure(error, fmt::format("creating topic '{}'", rd_kafka_topic_result_name(result))));
    }
    return {};
  });
}

// It is there now, ours or somebody's; brokers learn of it one after the other.
Done KafkaAdmin::settle_existing(const TopicSpec& topic) {
  const auto found = patiently([&](Milliseconds wait) {
    auto partitions = ask_partitions(client_.get(), topic.name, wait);
    if (!partitions && partitions.error().kind == Kind::not_found) partitions.error().kind = Kind::unavailable;
    return partitions;
  });
  if (!found) return fail(found.error());
  known_.with([&](auto& known) { known[topic.name] = *found; });
  if (*found == topic.partitions) return {};
  return fail(Kind::conflict, fmt::format("topic '{}' has {} partitions, not {}; the number is fixed for life",
                                          topic.name, *found, topic.partitions));
}

// --- Looking
// -------------------------------------------------------------------------------------------------------------

// Each question goes to one broker, and that one may not have learnt yet of a topic that others know.
Result<std::vector<TopicInfo>> KafkaAdmin::topics() {
  const auto begun = clock_.now();
  return patiently([&](Milliseconds wait) -> Result<std::vector<TopicInfo>> {
    auto found = list_topics();
    if (!found) return found;
    std::unordered_set<std::string> without_settings;
    constexpr std::size_t one_request_max = 200;
    for (std::size_t at = 0; at < found->size(); at += one_request_max) {
      const auto some = std::span{*found}.subspan(at, std::min(one_request_max, found->size() - at));
      auto read = read_configs(some, wait, without_settings);
      if (!read) return fail(std::move(read.error()));
    }
    if (without_settings.empty() && !lacks_known(*found)) return found;
    if (clock_.now() - begun < known_topic_wait_max) return fail(Kind::unavailable, "a broker lags behind the others");
    // Somebody removes topics.
    known_.with([](auto& known) { known.clear(); });
    std::erase_if(*found, [&](const TopicInfo& info) { return without_settings.contains(info.spec.name); });
    return found;
  });
}

Result<std::vector<TopicInfo>> KafkaAdmin::list_topics() {
  const rd_kafka_metadata_t* answer = nullptr;
  const auto error =
      rd_kafka_metadata(client_.get(), 1, nullptr, &answer, static_cast<int>(one_answer_wait_max.count()));
  const KafkaMetadata metadata{answer};
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(error, "asking for the topics"));
  std::vector<TopicInfo> found;
  for (const auto& topic : std::span{metadata->topics, static_cast<std::size_t>(metadata->topic_cnt)}) {
    const std::string_view name = topic.topic;
    if (name.starts_with("__") || topic.err != RD_KAFKA_RESP_ERR_NO_ERROR || topic.partition_cnt == 0) continue;
    found.push_back({{.name = std::string{name}, .partitions = topic.partition_cnt}, topic.partitions[0].replica_cnt});
  }
  return found;
}

bool KafkaAdmin::lacks_known(const std::vector<TopicInfo>& listed) const {
  std::unordered_set<std::string_view> names;
  for (const auto& topic : listed) names.insert(topic.spec.name);
  return known_.with([&](const auto& known) {
    return std::ranges::any_of(known, [&](const auto& each) { return !names.contains(each.first); });
  });
}

Done KafkaAdmin::read_configs(std::span<TopicInfo> topics, Milliseconds wait,
                              std::unordered_set<std::string>& without) {
  std::vector<KafkaConfigResource> made;
  std::vector<rd_kafka_ConfigResource_t*> asked;
  for (const auto& topic : topics) {
    made.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.spec.name.c_str()));
    asked.push_back(made.back().get());
  }
  const auto event = ask_admin("asking for topics' settings", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, wait,
                               [&](auto* options, auto* queue) {
                                 rd_kafka_DescribeConfigs(client_.get(), asked.data(), asked.size(), options, queue);
                               });
  if (!event) return fail(event.error());
  std::size_t count = 0;
  const auto* answer = rd_kafka_event_DescribeConfigs_result(event->get());
  const auto* resources = rd_kafka_DescribeConfigs_result_resources(answer, &count);
  for (const auto* resource : std::span{resources, count}) {
    const std::string_view name = rd_kafka_ConfigResource_name(resource);
    if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      without.emplace(name);
      continue;
    }
    const auto topic = std::ranges::find(topics, name, [](const TopicInfo& info) { return info.spec.name; });
    if (topic != topics.end()) read_config(resource, topic->spec);
  }
  return {};
}

Result<std::int32_t> KafkaAdmin::partitions(const std::string& topic) {
  const auto found = patiently([&](Milliseconds wait) { return ask_partitions(client_.get(), topic, wait); });
  if (found) known_.with([&](auto& known) { known[topic] = *found; });
  return found;
}

Done KafkaAdmin::check(const Partition& partition) {
  const auto within = [&](std::int32_t count) { return partition.number >= 0 && partition.number < count; };
  const bool known = known_.with([&](const auto& all) {
    const auto found = all.find(partition.topic);
    return found != all.end() && within(found->second);
  });
  if (known) return {};
  const auto found = partitions(partition.topic);
  if (!found) return fail(found.error());
  if (within(*found)) return {};
  return fail(Kind::not_found, fmt::format("topic '{}' has {} partitions and none with the number {}", partition.topic,
                                           *found, partition.number));
}

Result<Span> KafkaAdmin::span(const Partition& partition) {
  auto there = check(partition);
  if (!there) return fail(std::move(there.error()));
  return patiently([&](Milliseconds wait) { return ask_span(client_.get(), partition, wait); });
}

// Not by the library's question for a group's offsets: one that times out while the coordinator is away ends the
// process when the coordinator is back (2.0.2; the source of 2.15 reads the same).
Result<std::optional<Committed>> KafkaAdmin::committed(const std::string& group, const Partition& partition) {
  const auto client = bystander_of(group);
  if (!client) return fail(client.error());
  return patiently([&](Milliseconds wait) -> Result<std::optional<Committed>> {
    const auto list = new_partitions(1);
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number);
    const auto error = rd_kafka_committed(client->get(), list.get(), static_cast<int>(wait.count()));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(error, asking_for_a_watermark));
    const auto& found = list->elems[0];
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_failure(found.err, asking_for_a_watermark));
    return committed_at(found);
  });
}

Result<KafkaAdmin::Bystander> KafkaAdmin::bystander_of(const std::string& group) {
  Bystander dropped;  // ends when the lock is free again: that takes its time
  auto all = bystanders_.locked();
  const auto found = std::ranges::find(*all, group, [](const auto& each) { return each.first; });
  if (found != all->end()) {
    all->splice(all->begin(), *all, found);
    return found->second;
  }
  auto properties = connection_properties(settings_);
  properties.emplace_back("group.id", group);
  properties.emplace_back("enable.auto.commit", "false");
  auto client = make_client(RD_KAFKA_CONSUMER, properties, voice_);
  if (!client) return fail(std::move(client.error()));
  if (all->size() >= bystanders_max) {
    dropped = std::move(all->back().second);
    all->pop_back();
  }
  return all->emplace_front(group, std::move(*client)).second;
}

}  // namespace sluice::log
