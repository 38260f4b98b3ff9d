// The handler of a simulated pool: it does what the plan says of each event, and tells the truth about it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/store/effects.hpp"
#include "tests/simulation/outside.hpp"
#include "tests/simulation/truth.hpp"
#include "workers/engine/dependency.hpp"
#include "workers/engine/handler.hpp"

namespace sluice::simulation {

inline constexpr const char* pool_name = "classify";

class SimulatedPool final : public engine::Handler {
 public:
  SimulatedPool(SimulatedWorld& world, Truth& truth, Outside& outside, std::shared_ptr<Access> access,
                db::Database& database, int incarnation, std::function<void()> die)
      : world_(world),
        truth_(truth),
        outside_(outside),
        access_(std::move(access)),
        database_(database),
        incarnation_(incarnation),
        die_(std::move(die)) {}

  Task<engine::Outcome> handle(const event::Event& event, engine::Attempt& attempt) override;

  static std::vector<engine::DependencySettings> dependencies();

 private:
  Task<engine::Outcome> act(int event, const event::Event& as_read, engine::Attempt& attempt, const Run& run);
  Task<engine::Outcome> write_row(int event, const Run& run);
  Task<engine::Outcome> call_model(int event, engine::Attempt& attempt);
  Task<engine::Outcome> merge(int event, engine::Attempt& attempt);

  // pool_effects.cpp
  Task<engine::Outcome> send(int event, const event::Event& as_read, engine::Attempt& attempt);
  Task<engine::Outcome> attempt_effect(int event, const event::Event& as_read, engine::Attempt& attempt,
                                       store::Attempting attempting);
  Task<engine::Outcome> look_up(int event, const store::Effect& effect, engine::Attempt& attempt);

  SimulatedWorld& world_;
  Truth& truth_;
  Outside& outside_;
  std::shared_ptr<Access> access_;
  db::Database& database_;
  int incarnation_;
  std::function<void()> die_;  // the process, soon
};

}  // namespace sluice::simulation
