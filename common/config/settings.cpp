#include "common/config/settings.hpp"

namespace sluice::config {

void EdgeSettings::declare(Fields& fields) {
  fields.section("The public listener");
  fields.whole({"PORT", "Port of the public listener; 0 takes any free one."}, port, {0, 65535});
  fields.url({"SLUICE_PUBLIC_URL",
              "Where Twilio and Chatwoot reach us, as they write it: https://host[:port][/path]. Signatures are "
              "checked over it."},
             public_url, UrlRule::https_or_loopback);
  fields.url({"TWILIO_WEBHOOK_BASE_URL", "Used when SLUICE_PUBLIC_URL is not set."}, webhook_base_url,
             UrlRule::https_or_loopback);
  fields.url({"TWILIO_WEBHOOK_URL", "A full URL that is also accepted as the signed one on inbound routes."},
             webhook_url, UrlRule::https_or_loopback);
  fields.secret({"TWILIO_WEBHOOK_SECRET", "When set, Twilio's routes also require ?key= with this value."},
                webhook_secret);
  fields.choice({"SLUICE_INGRESS_FLOOD", "What happens above 50 messages a minute from one number."}, flood,
                {"coalesce", "reject"});
  fields.secret({"SLUICE_QUARANTINE_KEY", "Encrypts refused webhooks. Not set: made once in the data folder."},
                quarantine_key);
  fields.secret({"SLUICE_API_TOKEN", "Opens POST /api/messages. Not set: the API is closed."}, api_token);
}

void PrivateSettings::declare(Fields& fields) {
  fields.section("The private listener: health, metrics, operating");
  fields.optional_whole(
      {"SLUICE_PRIVATE_PORT",
       "Port of the private listener; 0 takes any free one. Not set: 8081, in sluice-worker any free one."},
      port, {0, 65535});
  fields.text({"SLUICE_PRIVATE_BIND", "The address it listens on."}, bind);
  fields.secret({"SLUICE_OPS_TOKEN", "Opens the operating API from another machine."}, ops_token);
}

void ProcessSettings::declare(Fields& fields) {
  fields.section("This process");
  fields.text({"SLUICE_DATA_DIR",
               "Folder of everything that must survive. Not set: ./data in one process, none in the split form."},
              data_dir);
  fields.text({"SLUICE_INSTANCE", "A slot that two processes never share; makes group membership static."}, instance);
  fields.whole({"SLUICE_DRAIN_SECONDS", "How long a stop waits for running work."}, drain_seconds, {0, 600});
  fields.choice(
      {"SLUICE_SANDBOX", "Stand-ins for Twilio, Chatwoot and the model; auto: only when nothing real is set."}, sandbox,
      {"auto", "on", "off"});
  fields.choice({"LOG_LEVEL", "The least important level that is written."}, log_level,
                {"debug", "info", "warn", "error"});
  fields.choice({"LOG_FORMAT", "Not set: text on a terminal, else json."}, log_format, {"json", "text"});
}

void WorldSettings::declare(Fields& fields) {
  fields.section("One process on SQLite (nothing set), or many on Kafka and PostgreSQL (both set)");
  fields.text({"KAFKA_BROKERS", "host:port,host:port. Goes together with DATABASE_URL."}, kafka_brokers);
  fields.secret({"DATABASE_URL", "postgresql://user:password@host/name. Goes together with KAFKA_BROKERS."},
                database_url);
  fields.text({"KAFKA_TOPIC_PREFIX", "Topics and groups are called PREFIX.POOL."}, topic_prefix);
  fields.choice({"KAFKA_SECURITY_PROTOCOL", "Certificates are always verified."}, kafka_security_protocol,
                {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"});
  fields.text({"KAFKA_SSL_CA_LOCATION", "File with the certificates that are trusted."}, kafka_ca);
  fields.text({"KAFKA_SSL_CERTIFICATE_LOCATION", "File with our certificate."}, kafka_certificate);
  fields.text({"KAFKA_SSL_KEY_LOCATION", "File with its key."}, kafka_key);
  fields.secret({"KAFKA_SSL_KEY_PASSWORD", "Password of that key."}, kafka_key_password);
  fields.choice({"KAFKA_SASL_MECHANISM", "How we log in."}, kafka_mechanism,
                {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"});
  fields.text({"KAFKA_SASL_USERNAME", "User of that log-in."}, kafka_username);
  fields.secret({"KAFKA_SASL_PASSWORD", "Password of that log-in."}, kafka_password);
}

void TwilioSettings::declare(Fields& fields) {
  fields.section("Twilio");
  fields.text({"TWILIO_ACCOUNT_SID", "AC…"}, account_sid);
  fields.secret({"TWILIO_AUTH_TOKEN", "Checks signatures, and sends when no API key is set."}, auth_token);
  fields.secret({"TWILIO_AUTH_TOKEN_SECONDARY", "Also valid for signatures while tokens are being changed."},
                auth_token_secondary);
  fields.text({"TWILIO_API_KEY_SID", "SK…; sends instead of the auth token."}, api_key_sid);
  fields.secret({"TWILIO_API_KEY_SECRET", "Secret of that key."}, api_key_secret);
  fields.text({"TWILIO_WHATSAPP_NUMBER", "Our WhatsApp sender, with or without whatsapp: in front."}, whatsapp_number);
  fields.text({"TWILIO_PHONE_NUMBER", "Our SMS sender."}, phone_number);
  fields.text({"TWILIO_MESSAGING_SERVICE_SID", "MG…; sends through this service."}, messaging_service_sid);
  fields.whole({"TWILIO_RATE_LIMIT_PER_SECOND", "Messages a second and sender; 0: 80 on WhatsApp, 1 on SMS."},
               rate_limit_per_second, {0, 1000});
  fields.whole({"TWILIO_MAX_CONCURRENT_REQUESTS", "Requests to Twilio at the same time."}, concurrent_requests_max,
               {1, 1000});
  fields.whole({"TWILIO_RETRY_ATTEMPTS", "Tries in the lane before a message is parked."}, retry_attempts, {1, 10});
  fields.whole({"TWILIO_RETRY_DELAY_MS", "Pause before the second try."}, retry_delay_ms, {10, 60000});
  fields.flag({"SLUICE_TYPING", "Show a typing indicator on WhatsApp when a reply takes over a second."}, typing);
  fields.url({"TWILIO_API_BASE_URL", "Another place for Twilio's API."}, api_base_url, UrlRule::https_or_loopback);
}

void ModelSettings::declare(Fields& fields) {
  fields.section("The model");
  fields.choice({"SLUICE_LLM", "off: rules and templates answer."}, use, {"on", "off"});
  fields.choice({"LLM_PROVIDER", "Who answers first."}, provider, {"anthropic", "openai", "gemini"});
  fields.text({"LLM_MODEL", "Its model; not set: the provider's default of this release."}, model);
  fields.choice({"LLM_FALLBACK_PROVIDER", "Who starts beside the first when it is slow."}, fallback_provider,
                {"anthropic", "openai", "gemini"});
  fields.text({"LLM_FALLBACK_MODEL", "Its model."}, fallback_model);
  fields.secret({"ANTHROPIC_API_KEY", "Key for Anthropic."}, anthropic_key);
  fields.url({"ANTHROPIC_BASE_URL", "Another place for Anthropic's API."}, anthropic_base_url,
             UrlRule::https_or_loopback);
  fields.text({"ANTHROPIC_VERSION", "Version header of Anthropic's API."}, anthropic_version);
  fields.secret({"OPENAI_API_KEY", "Key for OpenAI or a compatible service."}, openai_key);
  fields.url({"OPENAI_BASE_URL", "Another place for an OpenAI-compatible API."}, openai_base_url,
             UrlRule::https_or_loopback);
  fields.secret({"GOOGLE_GEMINI_API_KEY", "Key for Gemini."}, gemini_key);
  fields.url({"GOOGLE_GEMINI_BASE_URL", "Another place for Gemini's API."}, gemini_base_url,
             UrlRule::https_or_loopback);
  fields.url({"TRANSCRIBE_BASE_URL", "An OpenAI-compatible service that writes down voice messages."},
             transcribe_base_url, UrlRule::https_or_loopback);
}

void CrmSettings::declare(Fields& fields) {
  fields.section("Chatwoot");
  fields.choice({"SLUICE_CRM", "off: runs without a CRM."}, use, {"on", "off"});
  fields.url({"CHATWOOT_BASE_URL", "https://chat.example.com"}, base_url, UrlRule::https_or_loopback);
  fields.secret({"CHATWOOT_API_KEY", "Access token of the user that files.", "CHATWOOT_API_TOKEN"}, api_key);
  fields.text({"CHATWOOT_ACCOUNT_ID", "Number of the account."}, account_id);
  fields.text({"CHATWOOT_INBOX_ID", "Number of the API inbox."}, inbox_id);
  fields.secret({"CHATWOOT_WEBHOOK_SECRET", "Checks Chatwoot's signatures."}, webhook_secret);
  fields.choice({"SLUICE_FENCE", "ask: the gate asks Chatwoot who is in charge before each bot reply."}, fence,
                {"webhook", "ask"});
}

void WatchSettings::declare(Fields& fields) {
  fields.section("Who is told");
  fields.secret({"SLUICE_ALERT_URL", "Gets one JSON POST per alarm and per its end."}, alert_url);
  fields.secret({"SENTRY_DSN", "Errors go there."}, sentry_dsn);
  fields.url({"OTEL_EXPORTER_OTLP_ENDPOINT", "Traces go there."}, otlp_endpoint, UrlRule::any_scheme);
}

void Settings::declare(Fields& fields) {
  edge.declare(fields);
  private_listener.declare(fields);
  process.declare(fields);
  world.declare(fields);
  twilio.declare(fields);
  model.declare(fields);
  crm.declare(fields);
  watch.declare(fields);
}

bool Settings::sandboxed() const {
  if (process.sandbox != "auto") return process.sandbox == "on";
  return !twilio.real() && !crm.real() && !model.real() && world.kafka_brokers.empty() && world.database_url.empty();
}

}  // namespace sluice::config
