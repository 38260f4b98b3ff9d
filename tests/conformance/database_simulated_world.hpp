// The world of the simulated database: with delays and without faults.
#pragma once

#include <memory>
#include <utility>

#include "common/db/simulated_database.hpp"
#include "tests/conformance/database_suite.hpp"
#include "tests/support/world.hpp"

namespace sluice::db::conformance {

class SimulatedDatabaseWorld : public DatabaseWorld {
 public:
  SimulatedDatabaseWorld() { start(); }

  Loop& loop() override { return world_.loop; }
  Clock& clock() override { return world_.clock; }
  void run(Task<> story) override { world_.run(std::move(story)); }
  Database& database() override { return *current_; }

  Task<> reopen() override {
    co_await current_->close();
    start();
  }
  Task<> crash() override {
    current_->crash();
    return reopen();
  }

  std::unique_ptr<Database> another() override {
    return std::make_unique<SimulatedDatabase>(store_, world_.loop, world_.clock, world_.random, faults_);
  }
  Task<> narrow() override {
    faults_.calls_max = 16;
    return reopen();
  }
  Task<> go_away() override {
    current_->cut();
    co_return;
  }
  Task<> come_back() override {
    current_->mend();
    co_return;
  }

 private:
  void start() {
    current_ = std::make_unique<SimulatedDatabase>(store_, world_.loop, world_.clock, world_.random, faults_);
  }

  SimulatedWorld world_;
  SimulatedStore store_;
  SimulatedFaults faults_;
  std::unique_ptr<SimulatedDatabase> current_;
};

}  // namespace sluice::db::conformance
