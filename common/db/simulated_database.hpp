// The database of a simulation: SQLite in memory on the loop's own thread, in virtual time, with delays and faults
// drawn from a seed. The same seed gives the same history.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/database.hpp"
#include "common/db/notices.hpp"
#include "common/db/sqlite_batch.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/db/sqlite_transaction.hpp"
#include "common/db/under_way.hpp"

namespace sluice::db {

class SimulatedDatabase;

// What is on the simulated disk. It outlives the processes (SimulatedDatabase) that use it.
class SimulatedStore {
 public:
  SimulatedStore();

  // All tables and the rows that stand in them now are what begin_again() goes back to. Asked once; no table is made
  // afterwards.
  void keep_as_beginning();
  // As if opened anew, but what is prepared stays prepared. No process uses it meanwhile.
  void begin_again();

  // Grows with every row that is written: what was read before stays true for as long as it does not.
  [[nodiscard]] std::int64_t rows_written() const;

  // At once and without faults; for a log that has the database's changes in its own transaction.
  Result<std::vector<Rows>> run_now(const Batch& batch);
  Result<Rows> read_now(const Statement& statement);
  Result<Rows> write_row_now(const RowWrite& write);

 private:
  friend class SimulatedDatabase;

  SqliteFile::Connection connection_;
  SqliteTransaction transaction_;
  StatementCache statements_;
  RowWriter rows_;
  std::vector<std::string> ways_back_;  // to the beginning: a statement each
  std::vector<SimulatedDatabase*> processes_;
};

// How often in a thousand calls something goes wrong, each time as if by chance.
struct SimulatedFaults {
  unsigned unavailable = 0;  // nothing was done, of a read too
  unsigned overloaded = 0;
  unsigned timed_out = 0;
  unsigned exhausted = 0;                             // of what would change something
  unsigned maybe_done = 0;                            // of what would change something; half of them were done
  Duration delay_max = std::chrono::milliseconds{2};  // of a call on its way there, of its answer, of a notice
  std::size_t calls_max = 65536;                      // under way; above it a call is overloaded
};

// One process's way to the store. Batches of one process may overtake each other, rows of write_row keep their order.
class SimulatedDatabase final : public Database {
 public:
  SimulatedDatabase(SimulatedStore& store, Loop& loop, Clock& clock, Random& random, SimulatedFaults faults = {});
  ~SimulatedDatabase() override;  // what is under way then has no answer any more: close it, or cancel its tasks

  Task<Result<std::vector<Rows>>> run(Batch batch) override;
  Task<Result<Rows>> read(Statement statement) override;
  Task<Result<Rows>> write_row(RowWrite write) override;
  std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) override;
  Task<> close() override;

  void set_faults(SimulatedFaults faults) { faults_ = faults; }

  // The next call that begins fails so; several queue up. maybe_done happens after its commit.
  void fail_next(Kind kind) { failures_.push_back({kind, kind == Kind::maybe_done}); }
  void fail_next_undone() { failures_.push_back({Kind::maybe_done, false}); }  // maybe_done, and it was not

  // The way to the store breaks: what has not arrived is unavailable, what is on its way back is maybe_done.
  void cut();
  void mend();  // and listeners are called, since notices may have been missed

  // The process is killed: what has not arrived is gone, what was committed stays; this and every later call of it ends
  // with stopping.
  void crash() { crashed_ = true; }

  // As SimulatedStore::run_now.
  Result<std::vector<Rows>> run_now(const Batch& batch) { return store_.run_now(batch); }

 private:
  friend class SimulatedStore;

  struct Fault {
    Kind kind;
    bool done;  // before the answer was lost
  };
  struct Trip {
    bool changes;  // whether it would change something
    std::size_t cuts;
    std::optional<Fault> fault;
  };
  enum class Order { any, kept };

  template <class T>
  Task<Result<T>> ask(bool changes, Order order, std::function<Result<T>()> execute);

  [[nodiscard]] std::optional<Failure> refusal() const;
  [[nodiscard]] std::optional<Fault> draw_fault(bool changes);
  [[nodiscard]] std::optional<Failure> trouble_there(const Trip& trip) const;
  [[nodiscard]] std::optional<Failure> trouble_back(const Trip& trip) const;
  [[nodiscard]] Instant arrival(Order order);
  [[nodiscard]] Duration delay();
  void at(Instant due, std::function<void()> what);
  void do_what_is_due();
  void told(const std::string& channel);

  SimulatedStore& store_;
  Loop& loop_;
  Clock& clock_;
  Random& random_;
  SimulatedFaults faults_;
  std::deque<Fault> failures_;
  std::size_t calls_ = 0;  // under way
  std::size_t cuts_ = 0;
  bool cut_ = false;
  bool crashed_ = false;
  Instant last_arrival_{};  // of those that keep their order
  UnderWay under_way_;
  Notices notices_;
  std::multimap<Instant, std::function<void()>> agenda_;  // what is due together happens in the order of planning
  Timer next_{clock_.timers(), [this] { do_what_is_due(); }};
};

}  // namespace sluice::db
