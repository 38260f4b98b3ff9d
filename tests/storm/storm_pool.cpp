#include "tests/storm/storm_pool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/ensure.hpp"

namespace sluice::storm {

using engine::Attempt;
using engine::Outcome;
using namespace std::chrono_literals;

Marks::Marks(const std::filesystem::path& file)
    : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  ENSURE(file_ >= 0, "the file of marks can be written");
}

Marks::~Marks() {
  ::close(file_);
}

void Marks::write(const Mark& mark) const {
  ENSURE(::write(file_, &mark, sizeof mark) == sizeof mark, "a mark is written whole");
}

Outcome done_with_output(const event::Event& event) {
  engine::Done done;
  done.outputs.push_back({.to = "send", .event = output_of(event)});
  return done;
}

namespace {

bool is_end(const Outcome& outcome) {
  return std::holds_alternative<engine::Done>(outcome) || std::holds_alternative<engine::Never>(outcome);
}

}  // namespace

Task<Outcome> StormPool::handle(const event::Event& event, Attempt& attempt) {
  const auto planned = planned_of(event);
  const auto mark = [&](Mark::What what) {
    return Mark{.what = what, .number = planned.number, .at = attempt.clock().now().time_since_epoch().count()};
  };
  marks_.write(mark(Mark::What::begins));
  auto outcome = co_await run(event, planned, attempt);
  auto end = mark(Mark::What::ends);
  end.is_final = is_end(outcome) ? 1 : 0;
  end.is_orphan = attempt.assignment_is_current() ? 0 : 1;
  marks_.write(end);
  co_return outcome;
}

Task<Outcome> StormPool::run(const event::Event& event, const Planned& planned, Attempt& attempt) {
  co_await attempt.clock().sleep_for(planned.pause);
  if (attempt.tries_before() < planned.failures) {
    engine::Later later{{Kind::unavailable, "not yet"}};
    if (attempt.tries_before() + 1 >= failures_to_park && planned.parked > 0ms) later.wait = planned.parked;
    co_return Outcome{std::move(later)};
  }
  if (planned.behaviour == Behaviour::never)
    co_return Outcome{engine::Never{.why = {Kind::invalid, "nobody can do this"}, .code = "21211"}};
  if (planned.behaviour == Behaviour::effect) {
    auto outcome = co_await do_outside(event, planned.number, attempt);
    co_return outcome;
  }
  auto outcome = co_await write_row(event, planned.number);
  co_return outcome;
}

// Looks first: its row is there when an earlier run got so far. Some expect to be the first, which costs a transaction
// of their own; the others may share one.
Task<Outcome> StormPool::write_row(const event::Event& event, int number) {
  auto rows = co_await database_.read({find_effects, {std::int64_t{number}}});
  if (!rows) co_return Outcome{engine::Later{std::move(rows.error())}};
  Outcome outcome = done_with_output(event);
  if (rows->integer(0, 0) == 0) {
    const auto expect = number % 4 == 0 ? db::Expect::exactly(1) : db::Expect::any();
    std::get<engine::Done>(outcome).changes.statements.push_back({insert_row, {std::int64_t{number}}, expect});
  }
  co_return outcome;
}

workers::PoolRegistry storm_pools(const std::filesystem::path& marks) {
  workers::PoolRegistry pools;
  pools.add({.name = std::string{pool}, .make = [marks](const workers::PoolContext& context) {
               engine::EngineLimits limits;  // as real ones, but for pauses of which a minute has room for many
               limits.retry.lane_pause_min = 20ms;
               limits.retry.lane_pause_max = 200ms;
               limits.retry.ladder = {1s, 2s};
               return workers::PoolParts{.handler = std::make_unique<StormPool>(context.database, marks),
                                         .dependencies = {{.name = "provider", .call_max = 1s}},
                                         .limits = limits};
             }});
  return pools;
}

}  // namespace sluice::storm
