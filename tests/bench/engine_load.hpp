// An engine on the embedded world with a pool of events to work on, in real time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/async/clock_real.hpp"
#include "common/async/scope.hpp"
#include "common/db/sqlite_database.hpp"
#include "common/event/partition.hpp"
#include "common/event/pools.hpp"
#include "common/log/sqlite_log.hpp"
#include "common/telemetry/logger.hpp"
#include "tests/support/event_record.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"
#include "workers/engine/engine.hpp"

namespace sluice::bench {

// A customer's message, the n-th of its kind, in one of so many conversations.
event::Event bench_message(int n, int conversations, const event::Tenant& tenant = event::Tenant::standard());

// Does with each event what it is told to.
class BenchHandler final : public engine::Handler {
 public:
  using Work = std::function<Task<engine::Outcome>(const event::Event&, engine::Attempt&)>;
  explicit BenchHandler(Work work) : work_(std::move(work)) {}
  Task<engine::Outcome> handle(const event::Event& event, engine::Attempt& attempt) override {
    return work_(event, attempt);
  }

 private:
  Work work_;
};

BenchHandler::Work no_outputs();
BenchHandler::Work one_output();
BenchHandler::Work after(Duration pause);

class EmbeddedLoad {
 public:
  EmbeddedLoad();
  ~EmbeddedLoad();
  EmbeddedLoad(const EmbeddedLoad&) = delete;
  EmbeddedLoad& operator=(const EmbeddedLoad&) = delete;

  void fill(const std::string& topic, int count, int conversations);
  void start(BenchHandler::Work work, const engine::EngineLimits& limits);
  void until(const std::function<bool()>& reached);
  void stop();
  [[nodiscard]] engine::EngineFigures figures() const { return engine_->figures(); }

  TempFolder folder;
  Loop loop;
  RealClock clock{loop};
  SystemRandom random;
  Logger logger{clock, "bench", {.level = Level::error}, [](std::string_view) {}};
  std::unique_ptr<db::SqliteFile> file = db::SqliteFile::open(folder / "sluice.db").value();
  std::unique_ptr<log::SqliteLog> log = log::SqliteLog::open(*file, loop, clock).value();
  std::unique_ptr<db::SqliteDatabase> database = std::make_unique<db::SqliteDatabase>(*file);
  const event::PoolTopics topics = event::topics_of("sluice", "classify");

 private:
  std::unique_ptr<BenchHandler> handler_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Scope> scope_;
};

}  // namespace sluice::bench
