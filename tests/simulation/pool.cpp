#include "tests/simulation/pool.hpp"

#include <algorithm>
#include <stdexcept>

#include "common/async/deadline.hpp"

namespace sluice::simulation {
namespace {

using namespace std::chrono_literals;
using engine::Attempt;
using engine::Outcome;

engine::Later later(const PlannedEvent& planned, std::string sentence) {
  engine::Later outcome{{Kind::unavailable, std::move(sentence)}};
  if (planned.asked_wait > Duration{}) outcome.wait = std::chrono::ceil<std::chrono::milliseconds>(planned.asked_wait);
  return outcome;
}

engine::Done with_output(const event::Event& event, const Run& run) {
  engine::Done done;
  done.outputs.push_back({.to = "send", .event = output_of(event, run.number)});
  return done;
}

Task<> for_ever(std::shared_ptr<Access> access) {
  while (true) co_await access->never.wait();
}

// Tells the end of a run even when its frame is destroyed.
struct Told_at_the_end {
  Truth& truth;
  Run run;
  bool told = false;
  ~Told_at_the_end() {
    if (!told) truth.ends(run, nullptr, {}, false);
  }
};

std::vector<int> numbers_of(const std::vector<const event::Event*>& events, const Truth& truth) {
  std::vector<int> numbers;
  for (const auto* event : events) numbers.push_back(truth.number_of(event->id));
  return numbers;
}

}  // namespace

std::vector<engine::DependencySettings> SimulatedPool::dependencies() {
  const auto of = [](std::string name) {
    return engine::DependencySettings{.name = std::move(name),
                                      .call_max = 3s,
                                      .breaker_open_max = 10s,
                                      .concurrency_start = 8,
                                      .concurrency_max = 64};
  };
  return {of("model"), of("provider")};
}

Task<Outcome> SimulatedPool::handle(const event::Event& event, Attempt& attempt) {
  const int number = truth_.number_of(event.id);
  Told_at_the_end end{truth_, truth_.begins(number, incarnation_, attempt.epoch(), attempt.tries_before())};
  Outcome outcome = co_await act(number, event, attempt, end.run);
  end.told = true;
  const auto behind = numbers_of(attempt.behind(), truth_);
  truth_.ends(end.run, &outcome, behind, !attempt.assignment_is_current());
  co_return outcome;
}

Task<Outcome> SimulatedPool::act(int event, const event::Event& as_read, Attempt& attempt, const Run& run) {
  const PlannedEvent& planned = truth_.planned(event);
  const bool fails = truth_.of(event).failures < planned.times;
  switch (planned.behaviour) {
    case Behaviour::with_output:
      co_return Outcome{with_output(as_read, run)};
    case Behaviour::with_change: {
      auto outcome = co_await write_row(event, run);
      co_return outcome;
    }
    case Behaviour::slow:
      co_await world_.clock.sleep_for(planned.pause);
      co_return Outcome{engine::Done{}};
    case Behaviour::later:
      co_await world_.clock.sleep_for(std::min<Duration>(planned.pause, 100ms));
      if (fails) co_return Outcome{later(planned, "not now")};
      co_return Outcome{engine::Done{}};
    case Behaviour::throws:
      if (fails) throw std::runtime_error{"as planned"};
      co_return Outcome{engine::Done{}};
    case Behaviour::hangs:
      if (fails) co_await for_ever(access_);
      co_return Outcome{engine::Done{}};
    case Behaviour::kills:
      if (fails) {
        die_();
        co_await for_ever(access_);
      }
      co_return Outcome{engine::Done{}};
    case Behaviour::never:
      co_return Outcome{engine::Never{{Kind::invalid, "it can never work"}, "21211"}};
    case Behaviour::scheduled: {
      const WallTime now = world_.clock.wall();
      if (!truth_.of(event).due)
        truth_.schedules(event, now + std::chrono::ceil<std::chrono::milliseconds>(planned.pause));
      const WallTime due = *truth_.of(event).due;
      if (now < due) co_return Outcome{engine::At{due}};
      co_return Outcome{engine::Done{}};
    }
    case Behaviour::model: {
      auto outcome = co_await call_model(event, attempt);
      co_return outcome;
    }
    case Behaviour::effect: {
      auto outcome = co_await send(event, as_read, attempt);
      co_return outcome;
    }
    case Behaviour::merges: {
      auto outcome = co_await merge(event, attempt);
      co_return outcome;
    }
    case Behaviour::covers: {
      co_await world_.clock.sleep_for(planned.pause);
      engine::Done done;
      done.covers_behind = attempt.behind().size();
      co_return Outcome{std::move(done)};
    }
    case Behaviour::suppressed:
      co_return Outcome{engine::Suppressed{"human", with_output(as_read, run).outputs}};
    case Behaviour::at_once:
    case Behaviour::unreadable:
    case Behaviour::damaged:
      break;
  }
  co_return Outcome{engine::Done{}};
}

// Looks first: its row is there when an earlier run got so far. The change expects that it is the first.
Task<Outcome> SimulatedPool::write_row(int event, const Run& run) {
  auto rows = co_await database_.read({"SELECT event FROM sim_ends WHERE event = $1", {std::int64_t{event}}});
  if (!rows) co_return Outcome{engine::Later{std::move(rows.error())}};
  engine::Done done;
  if (rows->empty()) {
    done.changes.statements.push_back(
        {"INSERT INTO sim_ends (event, run) VALUES ($1, $2) ON CONFLICT (event) DO NOTHING",
         {std::int64_t{event}, static_cast<std::int64_t>(run.number)},
         db::Expect::exactly(1)});
  }
  co_return Outcome{std::move(done)};
}

Task<Outcome> SimulatedPool::call_model(int event, Attempt& attempt) {
  const PlannedEvent& planned = truth_.planned(event);
  auto pass = co_await attempt.enter("model");
  if (!pass && pass.error().kind == Kind::unavailable) co_return Outcome{engine::Waiting{"model"}};
  if (!pass) co_return Outcome{engine::Later{std::move(pass.error())}};
  const auto sickness = outside_.sickness(planned.tenant);
  if (!sickness) {
    co_await world_.clock.sleep_for(std::min<Duration>(planned.pause, 300ms));
    pass->report(engine::Verdict::fine, 1ms);
    co_return Outcome{engine::Done{}};
  }
  if (*sickness == Sickness::slow) {
    co_await world_.clock.sleep_until(pass->deadline());
  } else {
    co_await world_.clock.sleep_for(world_.random.between(1ms, 50ms));
  }
  pass->report(*sickness == Sickness::refuses ? engine::Verdict::refused : engine::Verdict::sick, 1ms);
  co_return Outcome{engine::Waiting{"model"}};
}

// Gives a later event a moment to come.
Task<Outcome> SimulatedPool::merge(int event, Attempt& attempt) {
  if (attempt.behind().empty()) {
    const Instant until = world_.clock.now() + truth_.planned(event).pause;
    [[maybe_unused]] const bool came = co_await within(world_.clock, until, attempt.another_arrives());
  }
  if (attempt.behind().empty()) co_return Outcome{engine::Done{}};
  co_return Outcome{engine::Merged{}};
}

}  // namespace sluice::simulation
