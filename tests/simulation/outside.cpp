#include "tests/simulation/outside.hpp"

#include <algorithm>

#include "common/async/deadline.hpp"

namespace sluice::simulation {
namespace {

using namespace std::chrono_literals;

Task<> until_answered(std::optional<Answer>& answer, Signal& changed) {
  while (!answer) co_await changed.wait();
}

}  // namespace

Task<Answer> Outside::send(std::shared_ptr<Access> access, int event, store::EffectId effect, Instant deadline) {
  while (!access->alive) co_await access->never.wait();
  auto call = std::make_shared<Call>();
  under_way_.start(arrive(call, event, effect));
  const bool answered = co_await within(world_.clock, deadline, until_answered(call->answer, call->changed));
  co_return answered ? *call->answer : Answer::lost;
}

Task<> Outside::arrive(std::shared_ptr<Call> call, int event, store::EffectId effect) {
  const bool slow = !healed_ && world_.random.unit() < plan_.provider_loses_answer / 2;
  co_await world_.clock.sleep_for(world_.random.between(1ms, slow ? Duration{6s} : Duration{50ms}));
  if (!healed_ && world_.random.unit() < plan_.provider_refuses) {
    call->answer = Answer::refused;
    call->changed.notify_all();
    co_return;
  }
  ++accepted[event];
  visible_from_.emplace(effect.text(), world_.clock.now() + world_.random.between(0s, plan_.provider_lag_max));
  if (when_accepted) when_accepted(event);
  if (!healed_ && world_.random.unit() < plan_.provider_loses_answer) co_return;
  co_await world_.clock.sleep_for(world_.random.between(1ms, 50ms));
  call->answer = Answer::accepted;
  call->changed.notify_all();
}

Task<Result<bool>> Outside::find(std::shared_ptr<Access> access, store::EffectId effect) {
  while (!access->alive) co_await access->never.wait();
  co_await world_.clock.sleep_for(world_.random.between(1ms, 50ms));
  if (!healed_ && world_.random.unit() < plan_.provider_refuses)
    co_return fail(Kind::unavailable, "the provider's list cannot be read");
  const auto visible = visible_from_.find(effect.text());
  co_return visible != visible_from_.end() && visible->second <= world_.clock.now();
}

std::optional<Sickness> Outside::sickness(int tenant) const {
  if (healed_) return std::nullopt;
  const Duration now = world_.clock.now() - start_;
  for (const auto& illness : plan_.illnesses) {
    const bool concerned = !illness.tenant || *illness.tenant == tenant;
    if (concerned && illness.from <= now && now < illness.until) return illness.kind;
  }
  return std::nullopt;
}

Task<> Outside::close() {
  under_way_.cancel();
  return under_way_.join();
}

}  // namespace sluice::simulation
