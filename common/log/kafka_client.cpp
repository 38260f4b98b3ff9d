#include "common/log/kafka_client.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace sluice::log {
namespace {

constexpr std::size_t wire_bytes_max = std::size_t{4} << 20U;  // of a batch; topics allow the same
constexpr const char* unbounded_messages = "1000000";          // where bytes are the bound

void say(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  const auto* voice = client ? static_cast<const KafkaVoice*>(rd_kafka_opaque(client)) : nullptr;
  if (voice) voice->say(level, fmt::format("{}: {}", facility, text));
}

void say_error(rd_kafka_t* /*client*/, int error, const char* reason, void* voice) {
  const auto* name = rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error));
  static_cast<const KafkaVoice*>(voice)->warn(fmt::format("{}: {}", name, reason));
}

std::string text(std::chrono::milliseconds time) {
  return fmt::format("{}", time.count());
}

std::string kilobytes(std::size_t bytes) {
  return fmt::format("{}", std::max<std::size_t>(1, bytes / 1024));
}

void add_unless_empty(KafkaProperties& properties, const char* name, const std::string& value) {
  if (!value.empty()) properties.emplace_back(name, value);
}

// Of everything that fetches. The checksum of a row is ours to check: the library would drop a whole batch unseen.
void add_fetching(KafkaProperties& properties) {
  properties.insert(properties.end(), {{"isolation.level", "read_committed"},
                                       {"enable.partition.eof", "true"},
                                       {"check.crcs", "false"},
                                       {"enable.auto.commit", "false"},
                                       {"enable.auto.offset.store", "false"},
                                       {"fetch.error.backoff.ms", "100"},
                                       {"fetch.max.bytes", fmt::format("{}", 4 * wire_bytes_max)}});
}

}  // namespace

KafkaProperties connection_properties(const KafkaSettings& settings) {
  KafkaProperties properties{{"bootstrap.servers", settings.brokers},
                             {"client.id", settings.client_id},
                             {"security.protocol", settings.security_protocol},
                             {"allow.auto.create.topics", "false"},
                             {"message.max.bytes", fmt::format("{}", wire_bytes_max)},
                             {"socket.nagle.disable", "true"},
                             {"socket.keepalive.enable", "true"},
                             {"socket.timeout.ms", "10000"},
                             {"socket.connection.setup.timeout.ms", "5000"},
                             {"reconnect.backoff.ms", "50"},
                             {"reconnect.backoff.max.ms", "300"},
                             {"log.connection.close", "false"}};
  add_unless_empty(properties, "ssl.ca.location", settings.ca);
  add_unless_empty(properties, "ssl.certificate.location", settings.certificate);
  add_unless_empty(properties, "ssl.key.location", settings.key);
  add_unless_empty(properties, "ssl.key.password", settings.key_password);
  add_unless_empty(properties, "sasl.mechanism", settings.sasl_mechanism);
  add_unless_empty(properties, "sasl.username", settings.sasl_username);
  add_unless_empty(properties, "sasl.password", settings.sasl_password);
  return properties;
}

// The library looks for records whose time is up once a second, so it gets a second less than an append may take. Its
// own queue is larger than ours: ours answers.
KafkaProperties producer_properties(const KafkaSettings& settings) {
  using namespace std::chrono_literals;
  const auto patience = std::max(settings.append_wait_max - 1000ms, settings.append_wait_max / 2);
  auto properties = connection_properties(settings);
  properties.insert(properties.end(),
                    {{"enable.idempotence", "true"},
                     {"acks", "all"},
                     {"linger.ms", fmt::format("{:.3f}", static_cast<double>(settings.linger.count()) / 1000)},
                     {"compression.type", settings.compression},
                     {"message.timeout.ms", text(patience)},
                     {"request.timeout.ms", text(patience)},
                     {"queue.buffering.max.messages", fmt::format("{}", 2 * settings.queue_records_max)},
                     {"queue.buffering.max.kbytes", kilobytes(2 * settings.queue_bytes_max)}});
  return properties;
}

// Polling goes on whatever the owner does, so the library's own interval would never pass; KafkaMember watches itself.
KafkaProperties member_properties(const KafkaSettings& settings, const Subscription& subscription) {
  const auto interval = std::max(settings.session_wait_max, 2 * subscription.revoke_wait_max) * 3;
  auto properties = connection_properties(settings);
  add_fetching(properties);
  properties.insert(properties.end(), {{"group.id", subscription.group},
                                       {"partition.assignment.strategy", "range"},
                                       {"auto.offset.reset", "earliest"},
                                       {"session.timeout.ms", text(settings.session_wait_max)},
                                       {"heartbeat.interval.ms", text(settings.heartbeat_pause)},
                                       {"max.poll.interval.ms", text(interval)},
                                       {"queued.min.messages", unbounded_messages},
                                       {"queued.max.messages.kbytes", kilobytes(settings.prefetch_bytes_max)},
                                       {"fetch.message.max.bytes", fmt::format("{}", settings.fetch_bytes_max)},
                                       {"fetch.wait.max.ms", text(settings.fetch_wait_max)}});
  if (settings.instance) properties.emplace_back("group.instance.id", *settings.instance);
  return properties;
}

// How much is fetched ahead is bounded by bytes alone: the library counts its own marks as messages, and a bound of few
// messages makes it sleep for a second.
KafkaProperties reader_properties(const KafkaSettings& settings, KafkaReading reading) {
  constexpr std::size_t one_fetch_bytes = std::size_t{32} << 10U;
  const bool one = reading == KafkaReading::one;
  const auto ahead_bytes = one ? one_fetch_bytes / 2 : 2 * wire_bytes_max;
  auto properties = connection_properties(settings);
  add_fetching(properties);
  properties.insert(properties.end(),
                    {{"auto.offset.reset", "error"},
                     {"queued.min.messages", unbounded_messages},
                     {"queued.max.messages.kbytes", kilobytes(ahead_bytes)},
                     {"fetch.message.max.bytes", fmt::format("{}", one ? one_fetch_bytes : settings.fetch_bytes_max)},
                     {"fetch.wait.max.ms", "5"}});
  return properties;
}

Result<KafkaClient> make_client(rd_kafka_type_t type, const KafkaProperties& properties, const KafkaVoice& voice,
                                const KafkaCallbacks& callbacks) {
  std::array<char, 512> why{};
  KafkaConf conf{rd_kafka_conf_new()};
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK) {
      return fail(Kind::invalid, fmt::format("Kafka's client refuses a setting: {}", why.data()));
    }
  }
  // The library wants the same pointer for reading and for writing; we only read through it.
  rd_kafka_conf_set_opaque(conf.get(),
                           const_cast<KafkaVoice*>(&voice));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  rd_kafka_conf_set_log_cb(conf.get(), say);
  if ((callbacks.events & RD_KAFKA_EVENT_ERROR) == 0) rd_kafka_conf_set_error_cb(conf.get(), say_error);
  if (callbacks.delivered) rd_kafka_conf_set_dr_msg_cb(conf.get(), callbacks.delivered);
  if (callbacks.events != 0) rd_kafka_conf_set_events(conf.get(), callbacks.events);
  KafkaClient client{rd_kafka_new(type, conf.get(), why.data(), why.size())};
  if (!client) return fail(Kind::invalid, fmt::format("Kafka's client does not start: {}", why.data()));
  (void)conf.release();  // the client's now
  return client;
}

}  // namespace sluice::log
