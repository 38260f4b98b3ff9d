// What can be set about Kafka, as one struct with units. What operators set of it is declared in common/config.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::log {

struct KafkaSettings {
  std::string brokers;  // host:port,host:port
  std::string client_id = "sluice";

  // How we connect. Certificates and host names are always verified: there is no switch.
  std::string security_protocol = "plaintext";  // or ssl, sasl_plaintext, sasl_ssl
  std::string ca;                               // file; empty: what the system trusts
  std::string certificate;                      // file
  std::string key;                              // file
  std::string key_password;
  std::string sasl_mechanism;  // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
  std::string sasl_username;
  std::string sasl_password;

  // Appending.
  std::chrono::microseconds linger{0};                // how long a record waits for others to travel with
  std::string compression = "none";                   // or lz4, zstd, snappy, gzip
  std::chrono::milliseconds append_wait_max{10'000};  // within it every append is answered
  std::size_t queue_records_max = 50'000;             // not yet answered; more is overloaded
  std::size_t queue_bytes_max = std::size_t{256} << 20U;
  std::size_t record_bytes_max = 2'000'000;  // key, value and headers

  // Membership in groups. Dynamic, unless `instance` names a slot that no two processes ever share.
  std::optional<std::string> instance;
  std::chrono::milliseconds session_wait_max{10'000};  // after which a silent process loses its partitions
  std::chrono::milliseconds heartbeat_pause{500};
  // A member whose owner asks for nothing for so long, while there is something to tell, gives up its partitions.
  std::chrono::milliseconds unattended_max{300'000};

  // Consuming: what the library holds ready of each partition, beside one batch of ours.
  std::size_t prefetch_bytes_max = std::size_t{2} << 20U;
  std::size_t fetch_bytes_max = std::size_t{1} << 20U;  // of one partition at once; a larger record comes all the same
  std::chrono::milliseconds fetch_wait_max{100};        // how long the broker holds a question to which it has nothing

  // Questions: topics, offsets, reading without a group.
  std::chrono::milliseconds request_wait_max{10'000};
  std::size_t requests_at_once_max = 4;
  std::size_t requests_waiting_max = 1'000;  // more is overloaded

  // What the library and we have to say: syslog's level (4 is a warning) and a sentence without secrets. From any
  // thread, several at once. An alarm of ours, such as offsets that were reset, comes here as a warning.
  std::function<void(int level, std::string_view text)> on_log;
};

}  // namespace sluice::log
