#include "common/db/sqlite_database.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/log/sqlite_log.hpp"
#include "common/process/world.hpp"

namespace sluice {
namespace {

class EmbeddedWorld final : public World {
 public:
  EmbeddedWorld(std::unique_ptr<db::SqliteFile> file, std::unique_ptr<log::SqliteLog> log, Logger& logger)
      : file_(std::move(file)),
        log_(std::move(log)),
        database_(std::make_unique<db::SqliteDatabase>(*file_)),
        logger_(logger) {}

  log::Log& log() override { return *log_; }
  db::Database& database() override { return *database_; }

  Task<> keep() override {
    return log_->keep([this](const Failure& failure) {
      logger_.warn("retention will be tried again", {{"class", name_of(failure.kind)}, {"why", failure.sentence}});
    });
  }

  Task<> close() override {
    co_await log_->close();
    co_await database_->close();
    file_->close();
  }

 private:
  std::unique_ptr<db::SqliteFile> file_;
  std::unique_ptr<log::SqliteLog> log_;
  std::unique_ptr<db::SqliteDatabase> database_;
  Logger& logger_;
};

}  // namespace

Result<std::unique_ptr<World>> open_embedded_world(const DataFolder& folder, WorldParts parts) {
  auto file = db::SqliteFile::open(folder.database_file());
  if (!file) return fail(std::move(file.error()));
  auto log = log::SqliteLog::open(**file, parts.loop, parts.clock);
  if (!log) return fail(std::move(log.error()));
  return std::make_unique<EmbeddedWorld>(std::move(*file), std::move(*log), parts.logger);
}

}  // namespace sluice
