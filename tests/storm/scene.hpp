// Where a storm happens: a log, a database and what a worker has to be told to use them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/clock_real.hpp"
#include "common/async/random.hpp"
#include "common/db/database.hpp"
#include "common/event/pools.hpp"
#include "common/log/log.hpp"
#include "tests/storm/storm_event.hpp"
#include "tests/storm/worker_process.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"

namespace sluice::storm {

class Scene {
 public:
  explicit Scene(std::string prefix) : prefix_(std::move(prefix)) {}
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  virtual ~Scene() = default;

  [[nodiscard]] virtual log::Log& log() = 0;
  [[nodiscard]] virtual db::Database& database() = 0;

  // Where only one process may work on the data, the driver leaves it before it starts a worker, and comes back when
  // that has ended.
  virtual void leave() {}
  virtual void come_back() {}

  std::unique_ptr<WorkerProcess> start_worker(const std::string& slot = {});

  // Appended in order, whatever the log answers in between: some may be there twice then.
  Task<> append(std::vector<Planned> events);

  template <class T>
  T run(Task<T> task) {
    return run_task(loop_, std::move(task));
  }
  std::int64_t count(db::Statement statement);  // the integer that it answers

  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] event::PoolTopics topics() const { return event::topics_of(prefix_, pool); }
  [[nodiscard]] std::string group() const { return event::group_of(prefix_, pool); }

 protected:
  void prepare();  // topics and tables
  [[nodiscard]] virtual WorkerProcess::Start start() const = 0;

  Loop loop_;
  RealClock clock_{loop_};
  SystemRandom random_;
  TempFolder folder_;

 private:
  std::string prefix_;
  int workers_ = 0;
};

// Kafka and an empty database of a PostgreSQL, for many processes.
std::unique_ptr<Scene> split_scene(const std::string& brokers, const std::string& postgres, std::string prefix);

// One file, for one process.
std::unique_ptr<Scene> embedded_scene();

}  // namespace sluice::storm
