#include "common/log/kafka_settings.hpp"

#include <algorithm>
#include <mutex>

#include <doctest/doctest.h>

#include "common/log/kafka_client.hpp"

namespace sluice::log {
namespace {

using namespace std::chrono_literals;

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

TEST_CASE("every setting reaches its property") {
  KafkaSettings settings;
  settings.brokers = "one:9092,two:9092";
  settings.security_protocol = "sasl_ssl";
  settings.ca = "ca.pem";
  settings.certificate = "ours.pem";
  settings.key = "ours.key";
  settings.key_password = "secret";
  settings.sasl_mechanism = "SCRAM-SHA-512";
  settings.sasl_username = "user";
  settings.sasl_password = "pass";
  settings.linger = 500us;
  settings.compression = "lz4";

  const auto properties = producer_properties(settings);

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
