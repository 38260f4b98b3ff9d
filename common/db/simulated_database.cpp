#include "common/db/simulated_database.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/async/reply.hpp"
#include "common/base/ensure.hpp"
#include "common/db/sqlite_open.hpp"
#include "common/db/values.hpp"

namespace sluice::db {
namespace {

template <class T>
T sure(Result<T> result) {
  ENSURE(result.has_value(), "SQLite in memory could not be opened");
  return std::move(*result);
}

Failure killed() {
  return {Kind::stopping, "the process was killed"};
}

}  // namespace

SimulatedStore::SimulatedStore()
    : connection_(sure(open_in_memory())),
      transaction_(sure(SqliteTransaction::on(connection_.get()))),
      statements_(connection_.get()),
      rows_(statements_) {}

void SimulatedStore::keep_as_beginning() {
  ENSURE(ways_back_.empty(), "a store begins once");
  const auto must = [](bool done) { ENSURE(done, "the rows of a store can be kept"); };
  must(execute(connection_.get(), "ATTACH ':memory:' AS beginning").has_value());
  const auto tables = read_now({"SELECT name FROM main.sqlite_master WHERE type = 'table'"});
  must(tables.has_value());
  for (std::size_t row = 0; row < tables->size(); ++row) {
    const auto& table = tables->text(row, 0);
    must(execute(connection_.get(), fmt::format("CREATE TABLE beginning.{0} AS SELECT * FROM main.{0}", table))
             .has_value());
    ways_back_.push_back(fmt::format("DELETE FROM main.{}", table));
    if (first_text(connection_.get(), fmt::format("SELECT count(*) FROM beginning.{}", table)) != "0")
      ways_back_.push_back(fmt::format("INSERT INTO main.{0} SELECT * FROM beginning.{0}", table));
  }
}

void SimulatedStore::begin_again() {
  ENSURE(processes_.empty(), "a store that nobody uses begins again");
  for (const auto& way : ways_back_) {
    auto statement = statements_.prepare(way);
    ENSURE(statement.has_value() && statement->run().has_value(), "a store goes back to its beginning");
  }
}

std::int64_t SimulatedStore::rows_written() const {
  return sqlite3_total_changes64(connection_.get());
}

Result<std::vector<Rows>> SimulatedStore::run_now(const Batch& batch) {
  auto checked = check(batch);
  if (!checked) return fail(std::move(checked).error());
  auto begun = transaction_.begin();
  if (!begun) return fail(std::move(begun).error());
  auto answers = run_batch(statements_, batch);
  if (!answers) {
    transaction_.roll_back();
    return answers;
  }
  auto committed = transaction_.commit();
  ENSURE(committed.has_value(), "SQLite in memory could not commit");
  for (auto* process : processes_) {
    for (const auto& channel : batch.notices) process->told(channel);
  }
  return answers;
}

Result<Rows> SimulatedStore::read_now(const Statement& statement) {
  auto checked = check(statement.values);
  if (!checked) return fail(std::move(checked).error());
  return run_read(statements_, statement);
}

Result<Rows> SimulatedStore::write_row_now(const RowWrite& write) {
  auto checked = check(write.values);
  if (!checked) return fail(std::move(checked).error());
  return rows_.write(write);
}

SimulatedDatabase::SimulatedDatabase(SimulatedStore& store, Loop& loop, Clock& clock, Random& random,
                                     SimulatedFaults faults)
    : store_(store), loop_(loop), clock_(clock), random_(random), faults_(faults) {
  store_.processes_.push_back(this);
}

SimulatedDatabase::~SimulatedDatabase() {
  std::erase(store_.processes_, this);
}

// The journey goes on by itself when the task that waits for it is cancelled, as it would on a real connection.
template <class T>
Task<Result<T>> SimulatedDatabase::ask(bool changes, Order order, std::function<Result<T>()> execute) {
  auto refused = refusal();
  if (refused) co_return fail(std::move(*refused));
  auto ticket = under_way_.enter();
  if (!ticket) co_return fail(Kind::stopping, "the database is closed");
  const Trip trip{changes, cuts_, draw_fault(changes)};
  const auto reply = Reply<Result<T>>::on(loop_);
  calls_ += 1;
  const auto end = [this, reply, kept = std::make_shared<UnderWay::Ticket>(std::move(*ticket))](Result<T> answer) {
    calls_ -= 1;
    reply->give(std::move(answer));
  };
  at(arrival(order), [this, trip, end, execute = std::move(execute)] {
    auto trouble = trouble_there(trip);
    if (trouble) return end(fail(std::move(*trouble)));
    at(clock_.now() + delay(), [this, trip, end, answer = execute()] {
      auto lost = trouble_back(trip);
      if (lost) return end(fail(std::move(*lost)));
      end(answer);
    });
  });
  auto waiting = reply->wait();
  auto answer = co_await std::move(waiting);
  co_return answer;
}

Task<Result<std::vector<Rows>>> SimulatedDatabase::run(Batch batch) {
  return ask<std::vector<Rows>>(true, Order::any, [this, batch = std::move(batch)] { return store_.run_now(batch); });
}

Task<Result<Rows>> SimulatedDatabase::read(Statement statement) {
  return ask<Rows>(false, Order::any, [this, statement = std::move(statement)] { return store_.read_now(statement); });
}

Task<Result<Rows>> SimulatedDatabase::write_row(RowWrite write) {
  return ask<Rows>(true, Order::kept, [this, write = std::move(write)] { return store_.write_row_now(write); });
}

std::unique_ptr<Listening> SimulatedDatabase::listen(std::string channel, std::function<void()> heard) {
  return notices_.listen(loop_, std::move(channel), std::move(heard));
}

Task<> SimulatedDatabase::close() {
  return under_way_.close();
}

void SimulatedDatabase::cut() {
  cut_ = true;
  cuts_ += 1;
}

void SimulatedDatabase::mend() {
  cut_ = false;
  notices_.tell_all();
}

std::optional<Failure> SimulatedDatabase::refusal() const {
  if (crashed_) return killed();
  if (calls_ >= faults_.calls_max) return Failure{Kind::overloaded, "too many calls are under way"};
  return std::nullopt;
}

std::optional<SimulatedDatabase::Fault> SimulatedDatabase::draw_fault(bool changes) {
  if (!failures_.empty()) {
    const auto fault = failures_.front();
    failures_.pop_front();
    return fault;
  }
  const std::pair<Kind, unsigned> chances[] = {{Kind::unavailable, faults_.unavailable},
                                               {Kind::overloaded, faults_.overloaded},
                                               {Kind::timed_out, faults_.timed_out},
                                               {Kind::exhausted, changes ? faults_.exhausted : 0},
                                               {Kind::maybe_done, changes ? faults_.maybe_done : 0}};
  auto drawn = random_.below(1000);
  for (const auto& [kind, chance] : chances) {
    if (drawn < chance) return Fault{kind, kind == Kind::maybe_done && random_.one_in(2)};
    drawn -= chance;
  }
  return std::nullopt;
}

std::optional<Failure> SimulatedDatabase::trouble_there(const Trip& trip) const {
  if (crashed_) return killed();
  if (cut_ || trip.cuts != cuts_) return Failure{Kind::unavailable, "the way to the store is cut"};
  if (trip.fault && !trip.fault->done) return Failure{trip.fault->kind, "a simulated fault"};
  return std::nullopt;
}

std::optional<Failure> SimulatedDatabase::trouble_back(const Trip& trip) const {
  if (crashed_) return killed();
  if (trip.fault) return Failure{trip.fault->kind, "a simulated fault after the commit"};
  if (trip.cuts == cuts_) return std::nullopt;
  return Failure{trip.changes ? Kind::maybe_done : Kind::unavailable, "the way to the store was cut before the answer"};
}

Instant SimulatedDatabase::arrival(Order order) {
  const auto due = clock_.now() + delay();
  if (order == Order::any) return due;
  last_arrival_ = std::max(last_arrival_, due);
  return last_arrival_;
}

Duration SimulatedDatabase::delay() {
  return random_.between(Duration::zero(), faults_.delay_max);
}

void SimulatedDatabase::at(Instant due, std::function<void()> what) {
  agenda_.emplace(due, std::move(what));
  next_.arm(agenda_.begin()->first);
}

void SimulatedDatabase::do_what_is_due() {
  while (!agenda_.empty() && agenda_.begin()->first <= clock_.now()) {
    const auto due = agenda_.extract(agenda_.begin());
    due.mapped()();
  }
  if (!agenda_.empty()) next_.arm(agenda_.begin()->first);
}

void SimulatedDatabase::told(const std::string& channel) {
  if (crashed_ || cut_) return;
  at(clock_.now() + delay(), [this, channel] {
    if (!crashed_) notices_.tell(channel);
  });
}

}  // namespace sluice::db
