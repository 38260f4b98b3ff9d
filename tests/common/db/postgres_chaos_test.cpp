// Connections cut at random under load: every answer agrees with the table, and nothing is done twice.
#include <cstdlib>
#include <map>

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "common/async/scope.hpp"
#include "common/async/signal.hpp"
#include "tests/common/db/postgres_proxy.hpp"
#include "tests/common/db/postgres_support.hpp"
#include "tests/support/seed.hpp"

namespace sluice::db {
namespace {

using namespace std::chrono_literals;

// No key forbids what is done twice, but for the rows, whose shape asks for one.
const RowShape kept{.table = "kept",
                    .columns = {"id", "times"},
                    .key = {"id"},
                    .on_conflict = "times = kept.times + 1",
                    .returning = {"times"}};

enum class Told { done, undone, open };

struct ChaosWorld : PostgresWorld {
  ChaosWorld() : proxy(loop, schema.url()), random_(test_seed()) {
    admin.ask("CREATE TABLE effect (id bigint)");
    admin.ask("CREATE TABLE kept (id bigint PRIMARY KEY, times bigint)");
    db = open({.url = proxy.url(),
               .connections_max = 4,
               .away_wait_max = 5s,
               .reconnect_pause_min = 1ms,
               .reconnect_pause_max = 5ms});
  }
  ~ChaosWorld() {
    db.reset();
    while (scope.size() > 0) loop.run_ready();
  }

  template <class T>
  void note(std::map<std::int64_t, Told>& told, std::int64_t id, const Result<T>& answer) {
    told[id] = answer ? Told::done : answer.error().kind == Kind::maybe_done ? Told::open : Told::undone;
    ++answers;
    answered.notify_all();
  }
  Task<> more_answers(std::size_t more) {
    const auto enough = answers + more;
    const auto deadline = clock.now() + 30s;
    while (answers < enough) {
      if (clock.now() > deadline) FAIL("no answers come any more");
      auto waiting = answered.wait();
      [[maybe_unused]] const bool came = co_await within(clock, deadline, std::move(waiting));
    }
  }

  Task<> write_effects() {
    while (!stop) {
      const auto id = next_id++;
      Batch batch{.statements = {{"INSERT INTO effect (id) VALUES ($1)", {Value{id}}}}};
      if (random_.one_in(2)) batch.statements.front().expect = Expect::exactly(1);
      auto running = db->run(std::move(batch));
      const auto answer = co_await std::move(running);
      note(effects, id, answer);
    }
  }
  Task<> write_rows() {
    while (!stop) {
      const auto id = next_id++;
      auto writing = db->write_row({&kept, {Value{id}, Value{1}}});
      const auto answer = co_await std::move(writing);
      note(rows, id, answer);
    }
  }
  Task<> read() {
    while (!stop) {
      auto reading = db->read({"SELECT count(*) FROM effect WHERE id = $1", {Value{next_id}}});
      const auto answer = co_await std::move(reading);
      if (!answer) CHECK(answer.error().kind == Kind::unavailable);
    }
  }

  // At some moment of the next turns: before, amid or after what is on its way.
  void cut_somewhere() {
    const auto held = random_.below(4);
    if (held == 1) proxy.hold_answers();
    if (held == 2) proxy.hold_questions();
    for (auto turns = random_.below(30); turns > 0; --turns) loop.run_ready();
    if (random_.one_in(4)) {
      admin.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema");
    } else {
      proxy.cut();
    }
    proxy.let_answers_go();
    proxy.let_questions_go();
  }

  void check(const std::map<std::int64_t, Told>& told, const std::string& counts) {
    std::map<std::int64_t, int> times;
    for (const auto& row : admin.ask(counts)) times[std::stoll(row[0])] = std::stoi(row[1]);
    for (const auto& [id, how] : told) {
      CAPTURE(id);
      if (how == Told::done) CHECK(times[id] == 1);
      if (how == Told::undone) CHECK(times[id] == 0);
      if (how == Told::open) CHECK(times[id] <= 1);
    }
  }

  PostgresProxy proxy;
  SeededRandom random_;
  Scope scope{loop};
  std::map<std::int64_t, Told> effects;
  std::map<std::int64_t, Told> rows;
  std::int64_t next_id = 0;
  std::size_t answers = 0;
  Signal answered;
  bool stop = false;
};

TEST_CASE("cut at random nothing is done twice and every answer is true") {
  ChaosWorld world;
  const int rounds = std::getenv("TEST_LONG") != nullptr ? 400 : 60;
  for (int task = 0; task < 12; ++task) {
    world.scope.start(world.write_effects());
    world.scope.start(world.write_rows());
  }
  world.scope.start(world.read());

  for (int round = 0; round < rounds; ++round) {
    world.run(world.more_answers(20));
    world.cut_somewhere();
  }
  world.stop = true;
  world.run(world.scope.join());

  world.check(world.effects, "SELECT id, count(*) FROM effect GROUP BY id");
  world.check(world.rows, "SELECT id, times FROM kept");
  const auto open = std::count_if(world.effects.begin(), world.effects.end(),
                                  [](const auto& told) { return told.second == Told::open; });
  CHECK(open > 0);
  MESSAGE(world.answers, " answers, ", open, " of the effects left open");
}

}  // namespace
}  // namespace sluice::db
