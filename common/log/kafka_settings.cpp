#include "common/log/kafka_settings.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::log {
namespace {

using Environment = std::map<std::string, std::string>;

// Reads names one after the other, remembers which were asked for, and collects every mistake.
class Names {
 public:
  explicit Names(const Environment& environment) : environment_(environment) {}

  void text(std::string_view name, std::string& field) {
    if (const auto* given = find(name)) field = *given;
  }

  void choice(std::string_view name, std::string& field, std::initializer_list<std::string_view> allowed) {
    const auto* given = find(name);
    if (!given) return;
    if (std::ranges::find(allowed, *given) == allowed.end()) {
      return mistake("{}: '{}' is not allowed; allowed are {}", name, *given, fmt::join(allowed, ", "));
    }
    field = *given;
  }

  // A number of milliseconds, with decimals where the unit of the field is finer.
  template <class Period>
  void milliseconds(std::string_view name, std::chrono::duration<std::int64_t, Period>& field, double least,
                    double most) {
    const auto* given = find(name);
    if (!given) return;
    double value = 0;
    const auto* end = given->data() + given->size();
    const auto read = std::from_chars(given->data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || value < least || value > most) {
      return mistake("{}: '{}' is not allowed; allowed are milliseconds from {} to {}", name, *given, least, most);
    }
    using Field = std::chrono::duration<std::int64_t, Period>;
    field = std::chrono::round<Field>(std::chrono::duration<double, std::milli>(value));
  }

  template <class... Arguments>
  void mistake(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    mistakes_.push_back(fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  void known(std::string_view name) { (void)find(name); }

  void refuse_unknown() {
    for (const auto& [name, value] : environment_) {
      if (std::ranges::find(asked_, name) == asked_.end()) {
        mistake("{}: unknown; allowed are {}", name, fmt::join(asked_, ", "));
      }
    }
  }

  [[nodiscard]] std::string mistakes() const { return fmt::format("{}", fmt::join(mistakes_, "\n")); }

 private:
  const std::string* find(std::string_view name) {
    asked_.emplace_back(name);
    const auto found = environment_.find(std::string{name});
    return found == environment_.end() || found->second.empty() ? nullptr : &found->second;
  }

  const Environment& environment_;
  std::vector<std::string> asked_;
  std::vector<std::string> mistakes_;
};

void read_security(Names& names, KafkaSettings& settings) {
  names.choice("KAFKA_SECURITY_PROTOCOL", settings.security_protocol,
               {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"});
  names.text("KAFKA_SSL_CA_LOCATION", settings.ca);
  names.text("KAFKA_SSL_CERTIFICATE_LOCATION", settings.certificate);
  names.text("KAFKA_SSL_KEY_LOCATION", settings.key);
  names.text("KAFKA_SSL_KEY_PASSWORD", settings.key_password);
  names.choice("KAFKA_SASL_MECHANISM", settings.sasl_mechanism, {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"});
  names.text("KAFKA_SASL_USERNAME", settings.sasl_username);
  names.text("KAFKA_SASL_PASSWORD", settings.sasl_password);
}

void check_security(Names& names, const KafkaSettings& settings) {
  const bool tls = settings.security_protocol.ends_with("ssl");
  const bool sasl = settings.security_protocol.starts_with("sasl_");
  const bool sasl_given =
      !settings.sasl_mechanism.empty() || !settings.sasl_username.empty() || !settings.sasl_password.empty();
  const bool sasl_whole =
      !settings.sasl_mechanism.empty() && !settings.sasl_username.empty() && !settings.sasl_password.empty();
  if (sasl && !sasl_whole) {
    names.mistake("KAFKA_SECURITY_PROTOCOL: {} needs KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
                  settings.security_protocol);
  }
  if (!sasl && sasl_given) {
    names.mistake("KAFKA_SECURITY_PROTOCOL: {} does not log in; with KAFKA_SASL_* allowed are sasl_plaintext, sasl_ssl",
                  settings.security_protocol);
  }
  if (!tls && (!settings.ca.empty() || !settings.certificate.empty() || !settings.key.empty())) {
    names.mistake("KAFKA_SECURITY_PROTOCOL: {} is not encrypted; with KAFKA_SSL_* allowed are ssl, sasl_ssl",
                  settings.security_protocol);
  }
  if (settings.certificate.empty() != settings.key.empty()) {
    names.mistake("KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION go together");
  }
  if (!settings.key_password.empty() && settings.key.empty()) {
    names.mistake("KAFKA_SSL_KEY_PASSWORD: needs KAFKA_SSL_KEY_LOCATION");
  }
}

}  // namespace

Result<KafkaSettings> kafka_settings_from(const std::map<std::string, std::string>& environment) {
  KafkaSettings settings;
  Names names{environment};
  names.text("KAFKA_BROKERS", settings.brokers);
  if (settings.brokers.empty()) names.mistake("KAFKA_BROKERS: not set; allowed is host:port,host:port");
  names.known("KAFKA_TOPIC_PREFIX");
  names.text("KAFKA_CLIENT_ID", settings.client_id);
  read_security(names, settings);
  names.milliseconds("KAFKA_LINGER_MS", settings.linger, 0, 1'000);
  names.choice("KAFKA_COMPRESSION", settings.compression, {"none", "lz4", "zstd", "snappy", "gzip"});
  names.milliseconds("KAFKA_APPEND_WAIT_MS", settings.append_wait_max, 500, 300'000);
  names.milliseconds("KAFKA_SESSION_WAIT_MS", settings.session_wait_max, 1'000, 1'800'000);
  names.milliseconds("KAFKA_HEARTBEAT_MS", settings.heartbeat_pause, 50, 60'000);
  names.refuse_unknown();
  check_security(names, settings);
  if (settings.heartbeat_pause * 3 > settings.session_wait_max) {
    names.mistake("KAFKA_HEARTBEAT_MS: {} is more than a third of KAFKA_SESSION_WAIT_MS ({})",
                  settings.heartbeat_pause.count(), settings.session_wait_max.count());
  }

  auto mistakes = names.mistakes();
  if (!mistakes.empty()) return fail(Kind::invalid, std::move(mistakes));
  return settings;
}

}  // namespace sluice::log
