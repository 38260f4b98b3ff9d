#include "common/log/kafka_settings.hpp"

#include <algorithm>
#include <mutex>

#include <doctest/doctest.h>

#include "common/log/kafka_client.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

using Environment = std::map<std::string, std::string>;

std::string refused(Environment environment) {
  environment.emplace("KAFKA_BROKERS", "127.0.0.1:9092");
  const auto settings = kafka_settings_from(environment);
  REQUIRE_FALSE(settings.has_value());
  CHECK(settings.error().kind == Kind::invalid);
  return settings.error().sentence;
}

bool names(const std::string& sentence, std::string_view what) {
  return sentence.find(what) != std::string::npos;
}

std::string property(const KafkaProperties& properties, std::string_view name) {
  const auto found = std::ranges::find(properties, name, [](const auto& each) { return each.first; });
  return found == properties.end() ? "" : found->second;
}

// What the library itself says that it will do.
std::string effective(rd_kafka_type_t type, const KafkaProperties& properties, const char* name) {
  const KafkaVoice silent{nullptr};
  const auto client = make_client(type, properties, silent);
  REQUIRE_MESSAGE(client.has_value(), (client ? "" : client.error().sentence));
  std::array<char, 512> value{};
  std::size_t size = value.size();
  REQUIRE(rd_kafka_conf_get(rd_kafka_conf(client->get()), name, value.data(), &size) == RD_KAFKA_CONF_OK);
  return value.data();
}

const Subscription subscription{.group = "group", .topics = {"topic"}};

}  // namespace

TEST_CASE("every name of the environment reaches its field") {
  const auto settings = kafka_settings_from({{"KAFKA_BROKERS", "one:9092,two:9092"},
                                             {"KAFKA_TOPIC_PREFIX", "belongs to the caller"},
                                             {"KAFKA_CLIENT_ID", "worker"},
                                             {"KAFKA_SECURITY_PROTOCOL", "sasl_ssl"},
                                             {"KAFKA_SSL_CA_LOCATION", "ca.pem"},
                                             {"KAFKA_SSL_CERTIFICATE_LOCATION", "ours.pem"},
                                             {"KAFKA_SSL_KEY_LOCATION", "ours.key"},
                                             {"KAFKA_SSL_KEY_PASSWORD", "secret"},
                                             {"KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"},
                                             {"KAFKA_SASL_USERNAME", "user"},
                                             {"KAFKA_SASL_PASSWORD", "pass"},
                                             {"KAFKA_LINGER_MS", "0.5"},
                                             {"KAFKA_COMPRESSION", "lz4"},
                                             {"KAFKA_APPEND_WAIT_MS", "2000"},
                                             {"KAFKA_SESSION_WAIT_MS", "6000"},
                                             {"KAFKA_HEARTBEAT_MS", "200"}});

  REQUIRE(settings.has_value());
  CHECK(settings->brokers == "one:9092,two:9092");
  CHECK(settings->client_id == "worker");
  CHECK(settings->linger == 500us);
  CHECK(settings->append_wait_max == 2000ms);
  CHECK(settings->session_wait_max == 6000ms);
  CHECK(settings->heartbeat_pause == 200ms);
  const auto properties = producer_properties(*settings);
  CHECK(property(properties, "bootstrap.servers") == "one:9092,two:9092");
  CHECK(property(properties, "security.protocol") == "sasl_ssl");
  CHECK(property(properties, "ssl.ca.location") == "ca.pem");
  CHECK(property(properties, "ssl.certificate.location") == "ours.pem");
  CHECK(property(properties, "ssl.key.location") == "ours.key");
  CHECK(property(properties, "ssl.key.password") == "secret");
  CHECK(property(properties, "sasl.mechanism") == "SCRAM-SHA-512");
  CHECK(property(properties, "sasl.username") == "user");
  CHECK(property(properties, "sasl.password") == "pass");
  CHECK(property(properties, "linger.ms") == "0.500");
  CHECK(property(properties, "compression.type") == "lz4");
}

TEST_CASE("what is not set keeps its default and an empty value is not set") {
  const auto settings = kafka_settings_from({{"KAFKA_BROKERS", "one:9092"}, {"KAFKA_SECURITY_PROTOCOL", ""}});

  REQUIRE(settings.has_value());
  CHECK(settings->security_protocol == "plaintext");
  CHECK(settings->session_wait_max == 10'000ms);
  CHECK(settings->heartbeat_pause == 500ms);
  CHECK_FALSE(settings->instance.has_value());
}

TEST_CASE("an unknown name is refused with those that are known") {
  const auto sentence = refused({{"KAFKA_SSL_VERIFY", "false"}});

  CHECK(names(sentence, "KAFKA_SSL_VERIFY: unknown"));
  CHECK(names(sentence, "KAFKA_SSL_CA_LOCATION"));
}

TEST_CASE("a value that is not allowed is refused with those that are") {
  CHECK(names(refused({{"KAFKA_SECURITY_PROTOCOL", "tls"}}), "'tls' is not allowed; allowed are plaintext, ssl"));
  CHECK(names(refused({{"KAFKA_SASL_MECHANISM", "GSSAPI"}}), "SCRAM-SHA-256"));
  CHECK(names(refused({{"KAFKA_LINGER_MS", "soon"}}), "milliseconds from 0 to 1000"));
  CHECK(names(refused({{"KAFKA_LINGER_MS", "-1"}}), "KAFKA_LINGER_MS"));
  CHECK(names(refused({{"KAFKA_APPEND_WAIT_MS", "100"}}), "KAFKA_APPEND_WAIT_MS"));
  CHECK(names(refused({{"KAFKA_SESSION_WAIT_MS", "10s"}}), "KAFKA_SESSION_WAIT_MS"));
  CHECK(names(refused({{"KAFKA_HEARTBEAT_MS", "5000"}}), "a third"));
}

TEST_CASE("names that contradict each other are refused") {
  CHECK(names(refused({{"KAFKA_SECURITY_PROTOCOL", "sasl_ssl"}}), "needs KAFKA_SASL_MECHANISM"));
  CHECK(names(refused({{"KAFKA_SASL_USERNAME", "user"}}), "does not log in"));
  CHECK(names(refused({{"KAFKA_SSL_CA_LOCATION", "ca.pem"}}), "not encrypted"));
  CHECK(names(refused({{"KAFKA_SECURITY_PROTOCOL", "ssl"}, {"KAFKA_SSL_KEY_LOCATION", "key"}}), "go together"));
  CHECK(names(refused({{"KAFKA_SECURITY_PROTOCOL", "ssl"}, {"KAFKA_SSL_KEY_PASSWORD", "x"}}),
              "needs KAFKA_SSL_KEY_LOCATION"));
}

TEST_CASE("all mistakes are told at once and no secret among them") {
  const auto settings = kafka_settings_from({{"KAFKA_SASL_PASSWORD", "hunter2"}, {"KAFKA_COMPRESSION", "rar"}});

  REQUIRE_FALSE(settings.has_value());
  CHECK(names(settings.error().sentence, "KAFKA_BROKERS: not set"));
  CHECK(names(settings.error().sentence, "KAFKA_COMPRESSION"));
  CHECK(names(settings.error().sentence, "KAFKA_SECURITY_PROTOCOL"));
  CHECK_FALSE(names(settings.error().sentence, "hunter2"));
}

TEST_CASE("the library verifies certificates and host names in every use") {
  KafkaSettings settings;
  settings.brokers = "localhost:1";
  settings.security_protocol = "ssl";

  for (const auto& [type, properties] :
       {std::pair{RD_KAFKA_PRODUCER, producer_properties(settings)},
        std::pair{RD_KAFKA_PRODUCER, connection_properties(settings)},
        std::pair{RD_KAFKA_CONSUMER, member_properties(settings, subscription)},
        std::pair{RD_KAFKA_CONSUMER, reader_properties(settings, KafkaReading::one)}}) {
    CHECK(effective(type, properties, "enable.ssl.certificate.verification") == "true");
    CHECK(effective(type, properties, "ssl.endpoint.identification.algorithm") == "https");
  }
}

TEST_CASE("the library does what the design needs of it") {
  KafkaSettings settings;
  settings.brokers = "localhost:1";
  settings.append_wait_max = 3000ms;
  const auto producer = producer_properties(settings);
  const auto member = member_properties(settings, subscription);

  CHECK(effective(RD_KAFKA_PRODUCER, producer, "enable.idempotence") == "true");
  CHECK(effective(RD_KAFKA_PRODUCER, producer, "message.max.bytes") == "4194304");
  CHECK(property(producer, "acks") == "all");
  CHECK(property(producer, "message.timeout.ms") == "2000");  // it looks once a second
  CHECK(effective(RD_KAFKA_CONSUMER, member, "partition.assignment.strategy") == "range");
  CHECK(effective(RD_KAFKA_CONSUMER, member, "enable.auto.commit") == "false");
  CHECK(effective(RD_KAFKA_CONSUMER, member, "enable.auto.offset.store") == "false");
  CHECK(effective(RD_KAFKA_CONSUMER, member, "isolation.level") == "read_committed");
  CHECK(effective(RD_KAFKA_CONSUMER, member, "session.timeout.ms") == "10000");
  CHECK(effective(RD_KAFKA_CONSUMER, member, "heartbeat.interval.ms") == "500");
  CHECK(property(member, "group.instance.id").empty());
  CHECK(property(member, "auto.offset.reset") == "earliest");
  settings.instance = "slot-3";
  CHECK(effective(RD_KAFKA_CONSUMER, member_properties(settings, subscription), "group.instance.id") == "slot-3");
}

TEST_CASE("a property that the library does not know is a failure that names it") {
  const KafkaVoice silent{nullptr};

  const auto client = make_client(RD_KAFKA_PRODUCER, {{"no.such.thing", "1"}}, silent);

  REQUIRE_FALSE(client.has_value());
  CHECK(client.error().kind == Kind::invalid);
  CHECK(names(client.error().sentence, "no.such.thing"));
}

TEST_CASE("the library speaks through the hook alone") {
  std::mutex mutex;
  std::string heard;
  const KafkaVoice voice{[&](int /*level*/, std::string_view text) {
    const std::scoped_lock lock(mutex);
    heard += text;
  }};
  KafkaSettings settings;
  settings.brokers = "127.0.0.1:1";
  auto properties = connection_properties(settings);
  properties.emplace_back("debug", "broker");

  {
    const auto client = make_client(RD_KAFKA_PRODUCER, properties, voice);
    REQUIRE(client.has_value());
    rd_kafka_poll(client->get(), 200);
  }

  CHECK(names(heard, "127.0.0.1:1"));
}

}  // namespace sluice::log
