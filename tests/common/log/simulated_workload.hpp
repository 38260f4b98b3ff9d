// A small program on a simulated log, with every fault that a seed draws: writers, members of a group that read what
// was written and write on, processes that die and come back. It notes what it was promised, and checks it at the end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/async/scope.hpp"
#include "common/async/signal.hpp"
#include "common/log/simulated_log.hpp"
#include "tests/support/world.hpp"

namespace sluice::log {

class SimulatedWorkload {
 public:
  explicit SimulatedWorkload(std::uint64_t seed);

  void run();    // a while with faults, then without until everything is read and committed
  void check();  // every promise that was given meanwhile

  [[nodiscard]] const std::string& history() const { return history_; }
  [[nodiscard]] std::size_t acknowledged() const;
  [[nodiscard]] std::size_t stale() const { return stale_; }
  [[nodiscard]] std::size_t crashes() const { return crashes_; }
  [[nodiscard]] bool atomic() const { return atomic_; }

 private:
  // One append of one record, in the order of the calls.
  struct Attempt {
    Partition to;
    std::string value;
    std::string process;
    bool answered = false;
    Result<std::vector<Offset>> answer = {};
  };
  // What a member knows of a partition that it has.
  struct Position {
    Epoch epoch = 0;
    Offset next = 0;
    bool paused = false;
  };
  using Positions = std::map<Partition, Position>;
  struct Worker {
    explicit Worker(Loop& loop) : scope(loop) {}
    std::string name;
    std::unique_ptr<SimulatedLog> log;
    Scope scope;
    Signal died;
    bool dead = false;
  };

  Task<> story();
  Task<> keep(Worker& worker);  // starts it, and again whenever it has died
  Task<> kill_now_and_then(Worker& worker);
  Task<> write(Worker& worker, int lane);
  Task<> write_one(Worker& worker, Partition to, std::string value);
  Task<> consume(Worker& worker);
  Task<bool> follow(Worker& worker, Consumer& consumer);  // until its end; false when the process has died
  Task<> act_on(Worker& worker, Consumer& consumer, Positions& positions, Notice notice);
  Task<> work_on(Worker& worker, Consumer& consumer, Position position, Partition from);
  Task<> commit(Consumer& consumer, Partition partition, Position position, int tries);
  Task<Result<std::vector<Offset>>> append(Worker& worker, Partition to, std::string value);
  Task<> append_with_commit(Worker& worker, Partition to, std::string value, Commit commit);
  Task<bool> until_all_is_committed();

  void told(Positions& positions, const Assigned& assigned);
  void told(Positions& positions, const Records& records);
  void told(const Positions& positions, const ReachedEnd& end);
  void pause_or_resume(Consumer& consumer, Positions& positions);
  void note(const std::string& line);
  [[nodiscard]] Done apply(const db::Batch& changes);

  void check_attempts();
  void check_order();
  void check_delivery();
  void check_transactions();

  SimulatedWorld world_;
  bool atomic_;
  SimulatedBroker broker_;
  std::string history_;
  bool writing_ = true;
  int values_ = 0;
  std::size_t stale_ = 0;
  std::size_t crashes_ = 0;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::map<Partition, Epoch> newest_epoch_;          // that anybody was told
  std::map<Partition, std::set<Offset>> delivered_;  // to anybody
  std::map<std::string, int> applied_;               // by the changes of atomic appends
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace sluice::log
