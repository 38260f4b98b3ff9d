#include "common/config/read.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

using namespace sluice;
using namespace sluice::config;

namespace {

Reading read(std::map<std::string, std::string> environment, Program program = Program::command,
             std::map<std::string, std::string> flags = {}) {
  return read_settings({.flags = std::move(flags), .environment = std::move(environment)}, program);
}

Sources with_file(std::map<std::string, std::string> environment, std::string content) {
  return {.environment = std::move(environment),
          .read_file = [content](const std::string&) -> Result<std::string> { return content; }};
}

bool names(const Reading& reading, std::string_view text) {
  return std::any_of(reading.mistakes.begin(), reading.mistakes.end(),
                     [text](const std::string& line) { return line.find(text) != std::string::npos; });
}

// A real set-up that is fit to start.
std::map<std::string, std::string> real() {
  return {{"TWILIO_ACCOUNT_SID", "AC1"},
          {"TWILIO_AUTH_TOKEN", "t"},
          {"SLUICE_PUBLIC_URL", "https://hooks.example.com"},
          {"ANTHROPIC_API_KEY", "k"},
          {"CHATWOOT_BASE_URL", "https://chat.example.com"},
          {"CHATWOOT_API_KEY", "c"}};
}

std::map<std::string, std::string> real_without(const std::string& name) {
  auto values = real();
  values.erase(name);
  return values;
}

}  // namespace

TEST_CASE("nothing set is fit to start and runs the sandbox") {
  const auto reading = read({}, Program::up);

  CHECK(reading.mistakes.empty());
  CHECK(reading.settings.edge.port == 8080);
  CHECK(reading.settings.sandboxed());
}

TEST_CASE("a flag wins over the environment and the environment over the default") {
  CHECK(read({{"PORT", "9000"}}).settings.edge.port == 9000);
  CHECK(read({{"PORT", "9000"}}, Program::command, {{"PORT", "9001"}}).settings.edge.port == 9001);
}

TEST_CASE("an empty value counts as not set") {
  CHECK(read({{"PORT", ""}}).settings.edge.port == 8080);
}

TEST_CASE("a secret comes from a file without the line's end") {
  const auto reading =
      read_settings(with_file({{"TWILIO_AUTH_TOKEN_FILE", "/run/secrets/token"}}, "abc\r\n"), Program::command);

  CHECK(reading.settings.twilio.auth_token.reveal() == "abc");
  CHECK(reading.origins.at("TWILIO_AUTH_TOKEN") == "TWILIO_AUTH_TOKEN_FILE");
}

TEST_CASE("a name and its file together are a mistake") {
  const auto reading = read_settings(with_file({{"PORT", "1"}, {"PORT_FILE", "x"}}, "2"), Program::command);

  CHECK(names(reading, "PORT: is set, and so is PORT_FILE"));
}

TEST_CASE("a file that cannot be read is named") {
  CHECK(names(read({{"SLUICE_API_TOKEN_FILE", "/does/not/exist"}}),
              "SLUICE_API_TOKEN_FILE: names a file that gives nothing"));
}

TEST_CASE("all mistakes are listed at once") {
  const auto reading =
      read({{"PORT", "x"}, {"LOG_LEVEL", "loud"}, {"SLUICE_TYPING", "maybe"}, {"SLUICE_PUBLIC_URL", "example.com"}});

  CHECK(reading.mistakes.size() == 4);
  CHECK(names(reading, "PORT: found \"x\", allowed is a whole number from 0 to 65535"));
  CHECK(names(reading, "LOG_LEVEL: found \"loud\", allowed are debug, info, warn, error"));
  CHECK(names(reading, "SLUICE_TYPING: found \"maybe\", allowed are on and off"));
  CHECK(names(reading, "SLUICE_PUBLIC_URL: found \"example.com\", allowed is a URL"));
}

TEST_CASE("bounds are exact") {
  CHECK(read({{"PORT", "65535"}}).mistakes.empty());
  CHECK(read({{"PORT", "65536"}}).mistakes.size() == 1);
  CHECK(read({{"PORT", "-1"}}).mistakes.size() == 1);
  CHECK(read({{"PORT", "80 "}}).mistakes.size() == 1);
  CHECK(read({{"PORT", "99999999999999999999"}}).mistakes.size() == 1);
}

TEST_CASE("an unknown name of ours stops the start and the nearest is offered") {
  CHECK(names(read({{"SLUICE_DATA_DIRR", "x"}}), "SLUICE_DATA_DIRR: no such setting, did you mean SLUICE_DATA_DIR?"));
  CHECK(names(read({{"SLUICE_WONDER", "x"}}), "SLUICE_WONDER: no such setting, see .env.example"));
}

TEST_CASE("a slip in a shared space is found and a stranger there is left alone") {
  CHECK(names(read({{"KAFKA_BROKER", "x"}}), "KAFKA_BROKER: no such setting, did you mean KAFKA_BROKERS?"));
  CHECK(read({{"KAFKA_HEAP_OPTS", "-Xmx1g"}}).mistakes.empty());
}

TEST_CASE("two names of one setting may agree and must not contradict") {
  CHECK(read({{"CHATWOOT_API_TOKEN", "a"}}).settings.crm.api_key.reveal() == "a");
  CHECK(read({{"CHATWOOT_API_TOKEN", "a"}, {"CHATWOOT_API_KEY", "a"}}).mistakes.empty());
  CHECK(names(read({{"CHATWOOT_API_TOKEN", "a"}, {"CHATWOOT_API_KEY", "b"}}),
              "CHATWOOT_API_KEY: contradicts CHATWOOT_API_TOKEN"));
}

TEST_CASE("Kafka and the database go together") {
  CHECK(names(read({{"KAFKA_BROKERS", "b:1"}}), "DATABASE_URL: not set while KAFKA_BROKERS is"));
  CHECK(names(read({{"DATABASE_URL", "postgresql://h/d"}}), "KAFKA_BROKERS: not set while DATABASE_URL is"));
  CHECK(names(read({}, Program::worker), "KAFKA_BROKERS: not set: sluice-ingress and sluice-worker need"));
  CHECK(read({{"KAFKA_BROKERS", "b:1"}, {"DATABASE_URL", "postgresql://h/d"}}, Program::worker).mistakes.empty());
}

TEST_CASE("a log-in to Kafka needs all of its parts") {
  CHECK(names(read({{"KAFKA_SECURITY_PROTOCOL", "sasl_ssl"}, {"KAFKA_SASL_USERNAME", "u"}}),
              "sasl needs KAFKA_SASL_MECHANISM"));
  CHECK(names(read({{"KAFKA_SASL_USERNAME", "u"}}), "KAFKA_SECURITY_PROTOCOL: plaintext does not log in"));
  CHECK(names(read({{"KAFKA_SSL_CA_LOCATION", "ca.pem"}}), "KAFKA_SECURITY_PROTOCOL: plaintext is not encrypted"));
  CHECK(names(read({{"KAFKA_SECURITY_PROTOCOL", "ssl"}, {"KAFKA_SSL_KEY_LOCATION", "key"}}),
              "KAFKA_SSL_CERTIFICATE_LOCATION: goes together with KAFKA_SSL_KEY_LOCATION"));
  CHECK(names(read({{"KAFKA_SECURITY_PROTOCOL", "ssl"}, {"KAFKA_SSL_KEY_PASSWORD", "x"}}),
              "KAFKA_SSL_KEY_PASSWORD: needs KAFKA_SSL_KEY_LOCATION"));
}

TEST_CASE("with Twilio everything must be real or declared off") {
  CHECK(read(real(), Program::up).mistakes.empty());
  CHECK_FALSE(read(real(), Program::up).settings.sandboxed());
  CHECK(names(read(real_without("SLUICE_PUBLIC_URL"), Program::up), "SLUICE_PUBLIC_URL: not set while Twilio is"));
  CHECK(names(read(real_without("ANTHROPIC_API_KEY"), Program::up), "SLUICE_LLM=off"));
  CHECK(names(read(real_without("CHATWOOT_API_KEY"), Program::up), "SLUICE_CRM=off"));
  CHECK(names(read(real_without("TWILIO_AUTH_TOKEN"), Program::up), "TWILIO_AUTH_TOKEN: not set"));

  auto declared = real_without("ANTHROPIC_API_KEY");
  declared.erase("CHATWOOT_API_KEY");
  declared["SLUICE_LLM"] = "off";
  declared["SLUICE_CRM"] = "off";
  CHECK(read(declared, Program::up).mistakes.empty());
}

TEST_CASE("the sandbox is all or nothing") {
  auto values = real();
  values["SLUICE_SANDBOX"] = "on";

  CHECK(names(read(values, Program::up), "SLUICE_SANDBOX: on, while Twilio's credentials are set"));
  CHECK_FALSE(read({{"OPENAI_API_KEY", "k"}}, Program::up).settings.sandboxed());
  CHECK_FALSE(read({{"SLUICE_SANDBOX", "off"}}, Program::up).settings.sandboxed());
}

TEST_CASE("the two public URLs may agree and must not contradict") {
  CHECK(read({{"SLUICE_PUBLIC_URL", "https://a.example/"}, {"TWILIO_WEBHOOK_BASE_URL", "https://a.example"}})
            .mistakes.empty());
  CHECK(names(read({{"SLUICE_PUBLIC_URL", "https://a.example"}, {"TWILIO_WEBHOOK_BASE_URL", "https://b.example"}}),
              "SLUICE_PUBLIC_URL: contradicts TWILIO_WEBHOOK_BASE_URL"));
}

TEST_CASE("plain http leads to this machine only") {
  CHECK(read({{"TWILIO_API_BASE_URL", "http://127.0.0.1:9000"}}).mistakes.empty());
  CHECK(read({{"TWILIO_API_BASE_URL", "http://localhost"}}).mistakes.empty());
  CHECK(read({{"TWILIO_API_BASE_URL", "http://[::1]:80/x"}}).mistakes.empty());
  CHECK(names(read({{"TWILIO_API_BASE_URL", "http://127.0.0.1.example.com"}}), "plain http"));
  CHECK(names(read({{"TWILIO_API_BASE_URL", "http://example.com"}}), "plain http"));
  CHECK(names(read({{"TWILIO_API_BASE_URL", "https://user:word@example.com"}}), "without user, password"));
}

TEST_CASE("a mistake never shows a secret that landed in the wrong place") {
  const auto reading = read({{"PORT", "+31612345678"}, {"OPENAI_BASE_URL", "https://me:hunter2@example.com"}});

  CHECK(reading.mistakes.size() == 2);
  CHECK_FALSE(names(reading, "612345678"));
  CHECK_FALSE(names(reading, "hunter2"));
}

TEST_CASE("what is told at start masks secrets and says where each value came from") {
  const auto lines = described(read({{"PORT", "9000"}, {"SLUICE_API_TOKEN", "very-secret"}}));

  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "PORT=9000 (environment)");
  CHECK(lines[1].starts_with("SLUICE_API_TOKEN=(set, "));
  CHECK(lines[1].find("very-secret") == std::string::npos);
}

TEST_CASE("flags with the names of settings are taken out of the arguments") {
  const auto taken = take_flags({"up", "--port", "90", "--log-level=debug", "--json", "--sluice-data-dir"});

  CHECK(taken.values == std::map<std::string, std::string>{{"PORT", "90"}, {"LOG_LEVEL", "debug"}});
  CHECK(taken.rest == std::vector<std::string>{"up", "--json"});
  CHECK(taken.mistakes == std::vector<std::string>{"--sluice-data-dir: needs a value behind it"});
}

TEST_CASE("the example file is what the declarations say") {
  std::ifstream file{std::string{SOURCE_FOLDER} + "/.env.example"};
  std::stringstream content;
  content << file.rdbuf();

  CHECK_MESSAGE(content.str() == example_file(), "write it anew: sluice settings --example > .env.example");
}

TEST_CASE("every name of the blueprint is declared") {
  const std::string example = example_file();
  for (const char* name : {"PORT",
                           "SLUICE_PRIVATE_PORT",
                           "SLUICE_PRIVATE_BIND",
                           "SLUICE_DATA_DIR",
                           "SLUICE_PUBLIC_URL",
                           "SLUICE_SANDBOX",
                           "SLUICE_INSTANCE",
                           "SLUICE_DRAIN_SECONDS",
                           "SLUICE_INGRESS_FLOOD",
                           "SLUICE_QUARANTINE_KEY",
                           "SLUICE_FENCE",
                           "SLUICE_CRM",
                           "SLUICE_LLM",
                           "SLUICE_API_TOKEN",
                           "SLUICE_OPS_TOKEN",
                           "KAFKA_BROKERS",
                           "KAFKA_TOPIC_PREFIX",
                           "DATABASE_URL",
                           "TWILIO_ACCOUNT_SID",
                           "TWILIO_AUTH_TOKEN",
                           "TWILIO_AUTH_TOKEN_SECONDARY",
                           "TWILIO_API_KEY_SID",
                           "TWILIO_API_KEY_SECRET",
                           "TWILIO_WHATSAPP_NUMBER",
                           "TWILIO_PHONE_NUMBER",
                           "TWILIO_MESSAGING_SERVICE_SID",
                           "TWILIO_WEBHOOK_URL",
                           "TWILIO_WEBHOOK_BASE_URL",
                           "TWILIO_WEBHOOK_SECRET",
                           "TWILIO_RATE_LIMIT_PER_SECOND",
                           "TWILIO_MAX_CONCURRENT_REQUESTS",
                           "TWILIO_RETRY_ATTEMPTS",
                           "TWILIO_RETRY_DELAY_MS",
                           "ANTHROPIC_API_KEY",
                           "OPENAI_API_KEY",
                           "GOOGLE_GEMINI_API_KEY",
                           "LLM_PROVIDER",
                           "LLM_MODEL",
                           "CHATWOOT_BASE_URL",
                           "CHATWOOT_API_KEY",
                           "CHATWOOT_API_TOKEN",
                           "CHATWOOT_ACCOUNT_ID",
                           "CHATWOOT_INBOX_ID",
                           "CHATWOOT_WEBHOOK_SECRET",
                           "SENTRY_DSN",
                           "OTEL_EXPORTER_OTLP_ENDPOINT",
                           "LOG_LEVEL",
                           "LOG_FORMAT",
                           "LLM_FALLBACK_PROVIDER",
                           "LLM_FALLBACK_MODEL",
                           "ANTHROPIC_VERSION",
                           "SLUICE_ALERT_URL",
                           "SLUICE_TYPING",
                           "TRANSCRIBE_BASE_URL",
                           "TWILIO_API_BASE_URL",
                           "ANTHROPIC_BASE_URL",
                           "OPENAI_BASE_URL",
                           "GOOGLE_GEMINI_BASE_URL"}) {
    CHECK_MESSAGE(example.find(name) != std::string::npos, name);
  }
}
