#include "common/db/postgres_database.hpp"
#include "common/log/kafka_log.hpp"
#include "common/process/world.hpp"

namespace sluice {
namespace {

class SplitWorld final : public World {
 public:
  SplitWorld(std::unique_ptr<log::KafkaLog> log, std::unique_ptr<db::PostgresDatabase> database)
      : log_(std::move(log)), database_(std::move(database)) {}

  log::Log& log() override { return *log_; }
  db::Database& database() override { return *database_; }
  Task<> keep() override { co_return; }  // the broker keeps its own house
  Task<> close() override {
    co_await log_->close();
    co_await database_->close();
  }

 private:
  std::unique_ptr<log::KafkaLog> log_;
  std::unique_ptr<db::PostgresDatabase> database_;
};

log::KafkaSettings kafka_settings(const config::WorldSettings& settings, std::string_view instance, Logger& logger) {
  log::KafkaSettings kafka;
  kafka.brokers = settings.kafka_brokers;
  kafka.security_protocol = settings.kafka_security_protocol;
  kafka.ca = settings.kafka_ca;
  kafka.certificate = settings.kafka_certificate;
  kafka.key = settings.kafka_key;
  kafka.key_password = settings.kafka_key_password.reveal();
  kafka.sasl_mechanism = settings.kafka_mechanism;
  kafka.sasl_username = settings.kafka_username;
  kafka.sasl_password = settings.kafka_password.reveal();
  if (!instance.empty()) kafka.instance = std::string{instance};
  kafka.on_log = [&logger](int level, std::string_view text) {
    constexpr int warning = 4;  // of syslog; smaller is worse
    logger.write(level <= warning ? Level::warn : Level::info, "kafka", {{"text", scrubbed(text)}});
  };
  return kafka;
}

}  // namespace

Result<std::unique_ptr<World>> open_split_world(const config::WorldSettings& settings, std::string_view instance,
                                                WorldParts parts) {
  auto database =
      db::PostgresDatabase::open(parts.loop, parts.clock, parts.random, {.url = settings.database_url.reveal()});
  if (!database) return fail(std::move(database.error()).while_doing("DATABASE_URL"));
  auto log = log::KafkaLog::open(kafka_settings(settings, instance, parts.logger), parts.clock);
  if (!log) return fail(std::move(log.error()).while_doing("KAFKA_BROKERS"));
  return std::make_unique<SplitWorld>(std::move(*log), std::move(*database));
}

}  // namespace sluice
