// Events that do something outside which must not be done twice. What is unknown is never sent again, so the provider
// accepts each effect once at most, without exception; an effect that no look-up finds stays unknown and its event goes
// on.
#include <fmt/format.h>

#include "common/store/effect_lookups.hpp"
#include "common/store/effect_settling.hpp"
#include "tests/simulation/pool.hpp"

namespace sluice::simulation {
namespace {

using namespace std::chrono_literals;
using engine::Attempt;
using engine::Outcome;

constexpr std::int64_t rows_max = 20;

Outcome later(Failure why) {
  return engine::Later{std::move(why)};
}

}  // namespace

Task<Outcome> SimulatedPool::send(int event, const event::Event& as_read, Attempt& attempt) {
  const auto id = store::effect_id(as_read.tenant, as_read.id, pool_name);
  auto found = co_await store::find_effect(database_, as_read.tenant, id);
  if (!found) co_return later(std::move(found.error()));
  store::Attempting attempting{
      .tenant = as_read.tenant, .effect = id, .owner = std::string{attempt.owner()}, .epoch = attempt.epoch()};
  if (*found) {
    const store::Effect& effect = **found;
    if (effect.state == store::EffectState::sent) co_return Outcome{engine::Done{}};
    if (effect.state != store::EffectState::planned) {
      auto outcome = co_await look_up(event, effect, attempt);
      co_return outcome;
    }
    attempting.generation = effect.generation;
    attempting.attempt = effect.attempt;
  }
  auto pass = co_await attempt.enter("provider");
  if (!pass && pass.error().kind == Kind::unavailable) co_return Outcome{engine::Waiting{"provider"}};
  if (!pass) co_return later(std::move(pass.error()));
  auto outcome = co_await attempt_effect(event, as_read, attempt, std::move(attempting));
  pass->report(engine::Verdict::fine, 1ms);
  co_return outcome;
}

Task<Outcome> SimulatedPool::attempt_effect(int event, const event::Event& as_read, Attempt& attempt,
                                            store::Attempting attempting) {
  constexpr std::chrono::seconds call_max{3};
  attempting.began = world_.clock.boot();
  attempting.deadline = world_.clock.wall() + call_max;
  const Instant deadline = world_.clock.now() + call_max;
  const store::EffectPlan plan{
      .tenant = as_read.tenant, .id = attempting.effect, .pool = pool_name, .event = as_read.id, .kind = "reply"};
  auto begun = co_await store::begin_attempt(database_, attempting, std::nullopt, world_.clock.wall(), plan);
  if (!begun && begun.error().kind == Kind::maybe_done)
    begun = co_await store::begin_attempt(database_, attempting, std::nullopt, world_.clock.wall(), plan);
  if (!begun) co_return later(std::move(begun.error()));
  if (begun->verdict != store::Verdict::open) co_return Outcome{engine::Waiting{"provider"}};
  if (!store::is_fresh(attempting, world_.clock.boot()) || !attempt.assignment_is_current()) {
    auto back = co_await store::back_to_planned(database_, attempting, "late", "not begun in time");
    co_return later(back ? Failure{Kind::stale, "not begun in time"} : back.error());
  }
  const Answer answer = co_await outside_.send(access_, event, attempting.effect, deadline);
  if (answer == Answer::refused) {
    auto back = co_await store::back_to_planned(database_, attempting, "429", "too much");
    co_return later(back ? Failure{Kind::overloaded, "the provider takes no more now"} : back.error());
  }
  if (answer == Answer::lost) {
    [[maybe_unused]] auto noted = co_await store::unknown(database_, attempting, "no answer");
    co_return Outcome{engine::Waiting{"provider"}};
  }
  const std::string sid = "SID-" + attempting.effect.text();
  auto sent = co_await store::sent(database_, attempting.tenant, attempting.effect, sid, world_.clock.wall());
  if (!sent) co_return later(std::move(sent.error()));
  co_return Outcome{engine::Done{}};
}

// A wait for a look-up is no try: the event waits for the provider.
Task<Outcome> SimulatedPool::look_up(int event, const store::Effect& effect, Attempt& attempt) {
  if (effect.state == store::EffectState::attempting) {
    [[maybe_unused]] auto overdue =
        co_await store::overdue_to_unknown(database_, pool_name, world_.clock.wall(), rows_max);
    co_return Outcome{engine::Waiting{"provider"}};
  }
  if (effect.state == store::EffectState::unknown && !effect.lookup_due) {
    truth_.of(event).given_up = true;
    co_return Outcome{engine::Done{}};
  }
  if (*effect.lookup_due > world_.clock.wall()) co_return Outcome{engine::Waiting{"provider"}};
  std::string owner{attempt.owner()};
  auto claimed = co_await store::claim_lookups(database_, pool_name, world_.clock.wall(), owner, 5s, rows_max);
  if (!claimed) co_return Outcome{engine::Waiting{"provider"}};
  for (const auto& one : *claimed) {
    auto there = co_await outside_.find(access_, one.id);
    if (!there) continue;
    const auto tenant = event::Tenant::parse(one.tenant).value();
    if (*there) {
      [[maybe_unused]] auto sent =
          co_await store::sent(database_, tenant, one.id, "SID-" + one.id.text(), world_.clock.wall());
    } else {
      [[maybe_unused]] auto nothing = co_await store::found_nothing(database_, one, owner, world_.clock.wall());
    }
  }
  co_return Outcome{engine::Waiting{"provider"}};
}

}  // namespace sluice::simulation
