#include "tests/storm/scene.hpp"

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/db/postgres_database.hpp"
#include "common/db/sqlite_database.hpp"
#include "common/log/kafka_log.hpp"
#include "common/log/sqlite_log.hpp"
#include "common/store/migrations.hpp"
#include "ops/topics.hpp"
#include "tests/common/db/postgres_support.hpp"
#include "tests/support/event_record.hpp"

namespace sluice::storm {

using namespace std::chrono_literals;

std::unique_ptr<WorkerProcess> Scene::start_worker(const std::string& slot) {
  auto how = start();
  how.slot = slot;
  return std::make_unique<WorkerProcess>(how, folder_ / fmt::format("{}.marks", workers_++), clock_);
}

Task<> Scene::append(std::vector<Planned> events) {
  std::vector<log::Outgoing> records;
  for (const auto& planned : events) records.push_back(event_record(event_of(planned), topics().main));
  while (true) {
    auto appended = co_await log().append(records);
    if (appended) co_return;
    co_await clock_.sleep_for(100ms);
  }
}

std::int64_t Scene::count(db::Statement statement) {
  const auto rows = run(database().read(std::move(statement)));
  ENSURE(rows.has_value(), "a question of the test is good SQL");
  return rows->integer(0, 0);
}

void Scene::prepare() {
  ENSURE(run(log().create_topics(ops::topics_wanted(prefix_))).has_value(), "the topics are made");
  ENSURE(run(store::migrate(database(), clock_)).has_value(), "the tables are made");
  db::Batch tables;
  for (const auto& sql : {effects_table, effects_guard, effects_index}) tables.statements.push_back({sql});
  ENSURE(run(database().run(std::move(tables))).has_value(), "the storm's tables are made");
}

namespace {

class SplitScene final : public Scene {
 public:
  SplitScene(std::string brokers, const std::string& postgres, std::string prefix)
      : Scene(std::move(prefix)), brokers_(std::move(brokers)), fresh_(postgres) {
    log::KafkaSettings settings;
    settings.brokers = brokers_;
    log_ = log::KafkaLog::open(settings, clock_).value();
    database_ = db::PostgresDatabase::open(loop_, clock_, random_, {.url = fresh_.url()}).value();
    prepare();
  }
  ~SplitScene() override {
    run(log_->close());
    run(database_->close());
  }

  log::Log& log() override { return *log_; }
  db::Database& database() override { return *database_; }

 protected:
  [[nodiscard]] WorkerProcess::Start start() const override {
    return {
        .program = STORM_WORKER,
        .arguments = {"worker", std::string{pool}},
        .environment = {{"KAFKA_BROKERS", brokers_}, {"KAFKA_TOPIC_PREFIX", prefix()}, {"DATABASE_URL", fresh_.url()}}};
  }

 private:
  std::string brokers_;
  db::FreshDatabase fresh_;
  std::unique_ptr<log::KafkaLog> log_;
  std::unique_ptr<db::PostgresDatabase> database_;
};

class EmbeddedScene final : public Scene {
 public:
  EmbeddedScene() : Scene("sluice") {
    std::filesystem::create_directories(data_);
    open();
    prepare();
  }
  ~EmbeddedScene() override {
    if (log_) close();
  }

  log::Log& log() override { return *log_; }
  db::Database& database() override { return *database_; }
  void leave() override { close(); }
  void come_back() override { open(); }

 protected:
  [[nodiscard]] WorkerProcess::Start start() const override {
    return {.program = STORM_WORKER,
            .arguments = {"up"},
            .environment = {{"SLUICE_DATA_DIR", data_.string()}, {"SLUICE_PRIVATE_PORT", "0"}}};
  }

 private:
  void open() {
    file_ = db::SqliteFile::open(data_ / "sluice.db").value();
    log_ = log::SqliteLog::open(*file_, loop_, clock_).value();
    database_ = std::make_unique<db::SqliteDatabase>(*file_);
  }
  void close() {
    run(log_->close());
    run(database_->close());
    file_->close();
    database_.reset();
    log_.reset();
    file_.reset();
  }

  std::filesystem::path data_ = folder_ / "data";
  std::unique_ptr<db::SqliteFile> file_;
  std::unique_ptr<log::SqliteLog> log_;
  std::unique_ptr<db::SqliteDatabase> database_;
};

}  // namespace

std::unique_ptr<Scene> split_scene(const std::string& brokers, const std::string& postgres, std::string prefix) {
  return std::make_unique<SplitScene>(brokers, postgres, std::move(prefix));
}

std::unique_ptr<Scene> embedded_scene() {
  return std::make_unique<EmbeddedScene>();
}

}  // namespace sluice::storm
