// Every setting of Sluice, one struct per component. A component takes its own struct and sees nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/config/fields.hpp"

namespace sluice::config {

struct EdgeSettings {  // the public listener
  std::int64_t port = 8080;
  std::string public_url;
  std::string webhook_base_url;
  std::string webhook_url;
  Secret webhook_secret;
  std::string flood = "coalesce";
  Secret quarantine_key;
  Secret api_token;
  void declare(Fields& fields);
};

struct PrivateSettings {             // the private listener
  std::optional<std::int64_t> port;  // none: 8081, in sluice-worker any free one
  std::string bind = "127.0.0.1";
  Secret ops_token;
  void declare(Fields& fields);
};

struct ProcessSettings {
  std::string data_dir;  // empty: ./data in one process, none in the split form
  std::string instance;
  std::int64_t drain_seconds = 25;
  std::string sandbox = "auto";
  std::string log_level = "info";
  std::string log_format;  // empty: text on a terminal, else json
  void declare(Fields& fields);
};

struct WorldSettings {  // which of the two worlds, and how to reach it
  std::string kafka_brokers;
  std::string topic_prefix = "sluice";
  std::string kafka_security_protocol = "plaintext";
  std::string kafka_ca;
  std::string kafka_certificate;
  std::string kafka_key;
  Secret kafka_key_password;
  std::string kafka_mechanism;
  std::string kafka_username;
  Secret kafka_password;
  Secret database_url;  // holds a password
  void declare(Fields& fields);

  [[nodiscard]] bool split() const { return !kafka_brokers.empty(); }
};

struct TwilioSettings {
  std::string api_base_url = "https://api.twilio.com";
  std::string account_sid;
  Secret auth_token;
  Secret auth_token_secondary;
  std::string api_key_sid;
  Secret api_key_secret;
  std::string whatsapp_number;
  std::string phone_number;
  std::string messaging_service_sid;
  std::int64_t rate_limit_per_second = 0;  // 0: 80 on WhatsApp, 1 on SMS, per sender
  std::int64_t concurrent_requests_max = 64;
  std::int64_t retry_attempts = 3;
  std::int64_t retry_delay_ms = 500;
  bool typing = false;
  void declare(Fields& fields);

  [[nodiscard]] bool real() const { return !account_sid.empty() || !auth_token.empty() || !api_key_sid.empty(); }
};

struct ModelSettings {
  std::string use = "on";
  std::string provider = "anthropic";
  std::string model;
  std::string fallback_provider;
  std::string fallback_model;
  Secret anthropic_key;
  std::string anthropic_base_url = "https://api.anthropic.com";
  std::string anthropic_version = "2023-06-01";
  Secret openai_key;
  std::string openai_base_url = "https://api.openai.com";
  Secret gemini_key;
  std::string gemini_base_url = "https://generativelanguage.googleapis.com";
  std::string transcribe_base_url;
  void declare(Fields& fields);

  [[nodiscard]] bool real() const { return !anthropic_key.empty() || !openai_key.empty() || !gemini_key.empty(); }
};

struct CrmSettings {
  std::string use = "on";
  std::string base_url;
  Secret api_key;
  std::string account_id;
  std::string inbox_id;
  Secret webhook_secret;
  std::string fence = "webhook";
  void declare(Fields& fields);

  [[nodiscard]] bool real() const { return !base_url.empty() || !api_key.empty(); }
};

struct WatchSettings {  // who is told
  Secret sentry_dsn;    // carries a key
  std::string otlp_endpoint;
  Secret alert_url;  // carries a token
  void declare(Fields& fields);
};

struct Settings {
  EdgeSettings edge;
  PrivateSettings private_listener;
  ProcessSettings process;
  WorldSettings world;
  TwilioSettings twilio;
  ModelSettings model;
  CrmSettings crm;
  WatchSettings watch;
  void declare(Fields& fields);

  // Whether the stand-ins for Twilio, Chatwoot and the model run: all of them or none.
  [[nodiscard]] bool sandboxed() const;
};

}  // namespace sluice::config
