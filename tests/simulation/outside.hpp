// The world that handlers act on: a provider that counts what it accepted, and a service that is sick now and then.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/async/scope.hpp"
#include "common/async/signal.hpp"
#include "common/store/effects.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/support/world.hpp"

namespace sluice::simulation {

// What one incarnation of a process needs to reach anything outside. A crash takes it away first: whatever frames of
// it still run, nothing of theirs gets out.
struct Access {
  bool alive = true;
  Signal never;  // is never notified: what a dead process calls does not come back
};

enum class Answer : std::uint8_t { accepted, refused, lost };

class Outside {
 public:
  Outside(SimulatedWorld& world, const Plan& plan)
      : world_(world), plan_(plan), under_way_(world.loop), start_(world.clock.now()) {}

  // The provider. A request that has left arrives, whatever becomes of the process that sent it.
  Task<Answer> send(std::shared_ptr<Access> access, int event, store::EffectId effect, Instant deadline);
  // What a look-up there finds; of what was accepted a moment ago perhaps nothing yet.
  Task<Result<bool>> find(std::shared_ptr<Access> access, store::EffectId effect);

  [[nodiscard]] std::optional<Sickness> sickness(int tenant) const;
  void heal() { healed_ = true; }
  Task<> close();

  std::function<void(int event)> when_accepted;
  std::map<int, int> accepted;  // how often, by event

 private:
  struct Call {
    std::optional<Answer> answer;
    Signal changed;
  };
  Task<> arrive(std::shared_ptr<Call> call, int event, store::EffectId effect);

  SimulatedWorld& world_;
  const Plan& plan_;
  Scope under_way_;
  Instant start_;
  bool healed_ = false;
  std::map<std::string, Instant> visible_from_;
};

}  // namespace sluice::simulation
