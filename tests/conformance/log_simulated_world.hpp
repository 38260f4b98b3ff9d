// Worlds in simulated time: one broker, a current process on it, and faults only where a case asks for them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/db/simulated_database.hpp"
#include "common/log/simulated_log.hpp"
#include "tests/conformance/log_suite.hpp"
#include "tests/support/world.hpp"

namespace sluice::conformance {

class SimulatedLogWorld : public LogWorld {
 public:
  explicit SimulatedLogWorld(SimulatedOptions options = {})
      : broker_(world_.loop, world_.clock, world_.random, std::move(options)), log_(broker_.open("first")) {}

  Loop& loop() override { return world_.loop; }
  Clock& clock() override { return world_.clock; }
  void run(Task<> story) override { world_.run(std::move(story)); }

  Log& log() override { return *log_; }
  Task<> reopen() override {
    co_await log_->close();
    log_ = broker_.open("reopened");
  }
  Task<> crash() override {
    log_->crash();
    log_ = broker_.open("after the crash");
    co_return;
  }

  std::unique_ptr<Log> another() override { return broker_.open("another"); }
  Task<> narrow() override {
    broker_.options().appends_in_flight_max = 64;
    co_return;
  }
  Task<> corrupt(Partition partition, Offset offset) override {
    broker_.corrupt(partition, offset);
    co_return;
  }
  Task<> retain() override {
    broker_.retain();
    co_return;
  }
  Task<Offset> append_foreign(Outgoing record) override { co_return broker_.append_foreign(std::move(record)); }

 protected:
  SimulatedWorld world_;
  SimulatedBroker broker_;
  std::unique_ptr<SimulatedLog> log_;
};

// The same with tables that share transactions with the log.
class AtomicSimulatedLogWorld : public SimulatedLogWorld {
 public:
  AtomicSimulatedLogWorld() {
    broker_.options().apply = [this](const db::Batch& changes) -> Done {
      auto rows = tables_.run_now(changes);
      if (!rows) return fail(std::move(rows).error());
      return {};
    };
  }

  db::Database& database() override { return *database_; }
  Task<> crash() override {
    database_->crash();
    database_ = std::make_unique<db::SimulatedDatabase>(tables_, world_.loop, world_.clock, world_.random);
    return SimulatedLogWorld::crash();
  }

 private:
  db::SimulatedStore tables_;
  std::unique_ptr<db::SimulatedDatabase> database_ =
      std::make_unique<db::SimulatedDatabase>(tables_, world_.loop, world_.clock, world_.random);
};

}  // namespace sluice::conformance
