// Effects outside, of which only the ledger knows. What is unknown is looked up and never done again, so each is taken
// once at most, whoever was killed or frozen in the middle of it.
#include "common/store/effect_lookups.hpp"
#include "common/store/effect_settling.hpp"
#include "tests/storm/storm_pool.hpp"

namespace sluice::storm {

using engine::Attempt;
using engine::Outcome;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view provider = "provider";
constexpr std::int64_t rows_max = 100;

Outcome later(Failure why) {
  return engine::Later{std::move(why)};
}

}  // namespace

Task<Outcome> StormPool::do_outside(const event::Event& event, int number, Attempt& attempt) {
  const auto id = store::effect_id(event.tenant, event.id, pool);
  auto found = co_await store::find_effect(database_, event.tenant, id);
  if (!found) co_return later(std::move(found.error()));
  store::Attempting attempting{
      .tenant = event.tenant, .effect = id, .owner = std::string{attempt.owner()}, .epoch = attempt.epoch()};
  if (*found) {
    if ((*found)->state == store::EffectState::sent) co_return done_with_output(event);
    if ((*found)->state != store::EffectState::planned) {
      auto outcome = co_await look_up(event, number, attempt, std::move(**found));
      co_return outcome;
    }
    attempting.generation = (*found)->generation;
    attempting.attempt = (*found)->attempt;
  }
  auto pass = co_await attempt.enter(provider);
  if (!pass && pass.error().kind == Kind::unavailable) co_return Outcome{engine::Waiting{provider}};
  if (!pass) co_return later(std::move(pass.error()));
  auto outcome = co_await attempt_effect(event, number, attempt, std::move(attempting));
  pass->report(engine::Verdict::fine, 1ms);
  co_return outcome;
}

Task<Outcome> StormPool::attempt_effect(const event::Event& event, int number, Attempt& attempt,
                                        store::Attempting attempting) {
  constexpr std::chrono::seconds call_max{1};
  auto& clock = attempt.clock();
  attempting.began = clock.boot();
  attempting.deadline = clock.wall() + call_max;
  const store::EffectPlan plan{
      .tenant = event.tenant, .id = attempting.effect, .pool = std::string{pool}, .event = event.id, .kind = "reply"};
  auto begun = co_await store::begin_attempt(database_, attempting, std::nullopt, clock.wall(), plan);
  if (!begun && begun.error().kind == Kind::maybe_done)
    begun = co_await store::begin_attempt(database_, attempting, std::nullopt, clock.wall(), plan);
  if (!begun) co_return later(std::move(begun.error()));
  if (begun->verdict != store::Verdict::open) co_return Outcome{engine::Waiting{provider}};
  if (!store::is_fresh(attempting, clock.boot()) || !attempt.assignment_is_current()) {
    auto back = co_await store::back_to_planned(database_, attempting, "late", "not begun in time");
    co_return later(back ? Failure{Kind::stale, "not begun in time"} : back.error());
  }
  db::Batch effect;
  effect.statements.push_back({insert_effect, {std::int64_t{number}}});
  auto taken = co_await database_.run(std::move(effect));
  if (!taken) {
    [[maybe_unused]] auto noted = co_await store::unknown(database_, attempting, "no answer");
    co_return Outcome{engine::Waiting{provider}};
  }
  auto sent = co_await store::sent(database_, attempting.tenant, attempting.effect, "SID-" + attempting.effect.text(),
                                   clock.wall());
  if (!sent) co_return later(std::move(sent.error()));
  co_return done_with_output(event);
}

// An unknown one that was not taken stays unknown: the event goes on without it.
Task<Outcome> StormPool::look_up(const event::Event& event, int number, Attempt& attempt, store::Effect effect) {
  if (effect.state == store::EffectState::attempting) {
    [[maybe_unused]] auto overdue =
        co_await store::overdue_to_unknown(database_, std::string{pool}, attempt.clock().wall(), rows_max);
    co_return Outcome{engine::Waiting{provider}};
  }
  if (effect.state != store::EffectState::unknown) co_return later({Kind::ours, "only what is unknown is looked up"});
  auto taken = co_await database_.read({find_effects, {std::int64_t{number}}});
  if (!taken) co_return later(std::move(taken.error()));
  if (taken->integer(0, 0) > 0) {
    auto sent =
        co_await store::sent(database_, event.tenant, effect.id, "SID-" + effect.id.text(), attempt.clock().wall());
    if (!sent) co_return later(std::move(sent.error()));
  }
  co_return done_with_output(event);
}

}  // namespace sluice::storm
