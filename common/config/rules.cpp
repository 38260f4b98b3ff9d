#include "common/config/rules.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace sluice::config {
namespace {

using Mistakes = std::vector<std::string>;

void check_world(const Settings& settings, Program program, Mistakes& mistakes) {
  const bool kafka = !settings.world.kafka_brokers.empty();
  const bool database = !settings.world.database_url.empty();
  if (kafka != database) {
    const std::string_view missing = kafka ? "DATABASE_URL" : "KAFKA_BROKERS";
    const std::string_view present = kafka ? "KAFKA_BROKERS" : "DATABASE_URL";
    mistakes.push_back(fmt::format("{}: not set while {} is: set both (many processes) or none (one process on SQLite)",
                                   missing, present));
  }
  if ((program == Program::ingress || program == Program::worker) && !kafka && !database) {
    mistakes.emplace_back(
        "KAFKA_BROKERS: not set: sluice-ingress and sluice-worker need KAFKA_BROKERS and DATABASE_URL; one process "
        "alone is `sluice up`");
  }
}

void check_kafka_security(const WorldSettings& world, Mistakes& mistakes) {
  const auto& protocol = world.kafka_security_protocol;
  const bool tls = protocol.ends_with("ssl");
  const bool sasl = protocol.starts_with("sasl");
  const bool password = !world.kafka_password.empty();
  const bool sasl_given = !world.kafka_mechanism.empty() || !world.kafka_username.empty() || password;
  const bool sasl_whole = !world.kafka_mechanism.empty() && !world.kafka_username.empty() && password;
  if (sasl && !sasl_whole) {
    mistakes.emplace_back(
        "KAFKA_SECURITY_PROTOCOL: sasl needs KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD");
  }
  if (!sasl && sasl_given) {
    mistakes.push_back(fmt::format(
        "KAFKA_SECURITY_PROTOCOL: {} does not log in; with KAFKA_SASL_* allowed are sasl_plaintext and sasl_ssl",
        protocol));
  }
  if (!tls && (!world.kafka_ca.empty() || !world.kafka_certificate.empty() || !world.kafka_key.empty())) {
    mistakes.push_back(fmt::format(
        "KAFKA_SECURITY_PROTOCOL: {} is not encrypted; with KAFKA_SSL_* allowed are ssl and sasl_ssl", protocol));
  }
  if (world.kafka_certificate.empty() != world.kafka_key.empty())
    mistakes.emplace_back("KAFKA_SSL_CERTIFICATE_LOCATION: goes together with KAFKA_SSL_KEY_LOCATION");
  if (!world.kafka_key_password.empty() && world.kafka_key.empty())
    mistakes.emplace_back("KAFKA_SSL_KEY_PASSWORD: needs KAFKA_SSL_KEY_LOCATION");
}

void check_public_url(const Settings& settings, Program program, Mistakes& mistakes) {
  const auto& edge = settings.edge;
  if (!edge.public_url.empty() && !edge.webhook_base_url.empty() && edge.public_url != edge.webhook_base_url) {
    mistakes.emplace_back("SLUICE_PUBLIC_URL: contradicts TWILIO_WEBHOOK_BASE_URL: set one of them, or both alike");
  }
  const bool receives = program == Program::up || program == Program::ingress;
  if (receives && settings.twilio.real() && edge.public_url.empty() && edge.webhook_base_url.empty() &&
      edge.webhook_url.empty()) {
    mistakes.emplace_back(
        "SLUICE_PUBLIC_URL: not set while Twilio is: without it no signature can be checked; set it to the address "
        "that Twilio calls");
  }
}

void check_services(const Settings& settings, Program program, Mistakes& mistakes) {
  const auto& twilio = settings.twilio;
  if (settings.process.sandbox == "on" && twilio.real()) {
    mistakes.emplace_back(
        "SLUICE_SANDBOX: on, while Twilio's credentials are set: the sandbox is all or nothing; unset one of the two");
  }
  if (!twilio.account_sid.empty() && twilio.auth_token.empty())
    mistakes.emplace_back("TWILIO_AUTH_TOKEN: not set while TWILIO_ACCOUNT_SID is");
  if (twilio.account_sid.empty() && twilio.real())
    mistakes.emplace_back("TWILIO_ACCOUNT_SID: not set while other credentials of Twilio are");
  if (twilio.api_key_sid.empty() != twilio.api_key_secret.empty())
    mistakes.emplace_back("TWILIO_API_KEY_SID: goes together with TWILIO_API_KEY_SECRET");
  if (program == Program::command || !twilio.real()) return;
  if (settings.model.use == "on" && !settings.model.real()) {
    mistakes.emplace_back(
        "ANTHROPIC_API_KEY: not set (nor OPENAI_API_KEY, GOOGLE_GEMINI_API_KEY) while Twilio is: set one, or "
        "SLUICE_LLM=off for rules and templates");
  }
  if (settings.crm.use == "on" && (settings.crm.base_url.empty() || settings.crm.api_key.empty())) {
    mistakes.emplace_back(
        "CHATWOOT_BASE_URL: not set (with CHATWOOT_API_KEY) while Twilio is: set both, or SLUICE_CRM=off to run "
        "without a CRM");
  }
}

void check_names(const Settings& settings, Mistakes& mistakes) {
  const auto fits = [](std::string_view name) {
    return name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-';
           });
  };
  if (settings.world.topic_prefix.empty() || !fits(settings.world.topic_prefix)) {
    mistakes.emplace_back("KAFKA_TOPIC_PREFIX: allowed are 1 to 100 letters, digits, dots, dashes and underscores");
  }
  if (!fits(settings.process.instance))
    mistakes.emplace_back("SLUICE_INSTANCE: allowed are up to 100 letters, digits, dots, dashes and underscores");
}

std::size_t changes_between(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= one.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t swapped = diagonal + (one[i - 1] == other[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({swapped, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void check_rules(const Settings& settings, Program program, std::vector<std::string>& mistakes) {
  check_world(settings, program, mistakes);
  check_kafka_security(settings.world, mistakes);
  check_public_url(settings, program, mistakes);
  check_services(settings, program, mistakes);
  check_names(settings, mistakes);
}

std::string nearest_name(std::string_view name, const std::set<std::string, std::less<>>& names) {
  constexpr std::size_t changes_max = 2;
  std::string nearest;
  std::size_t fewest = changes_max + 1;
  for (const auto& known : names) {
    const std::size_t changes = changes_between(name, known);
    if (changes < fewest) {
      fewest = changes;
      nearest = known;
    }
  }
  return nearest;
}

}  // namespace sluice::config
