// The engine's side of an Attempt.
#pragma once

#include "workers/engine/core.hpp"

namespace sluice::engine {

class RunningAttempt final : public Attempt {
 public:
  RunningAttempt(EngineCore& core, const Pair& pair, Lane* lane, const event::Tenant& tenant, std::uint32_t tries,
                 bool woken, Instant deadline)
      : core_(core),
        pair_(pair),
        lane_(lane),
        tenant_(tenant),
        tries_(tries),
        woken_(woken),
        deadline_(deadline),
        epoch_(pair.main->epoch) {}

  [[nodiscard]] std::uint32_t tries_before() const override { return tries_; }
  [[nodiscard]] std::vector<const event::Event*> behind() const override;
  Task<> another_arrives() override;
  [[nodiscard]] bool woken() const override { return woken_ || (lane_ != nullptr && lane_->woken); }
  [[nodiscard]] bool assignment_is_current() const override { return pair_.current; }
  [[nodiscard]] log::Epoch epoch() const override { return epoch_; }
  [[nodiscard]] std::string_view owner() const override { return core_.parts.owner; }
  [[nodiscard]] Instant deadline() const override { return deadline_; }
  Task<Result<Pass>> enter(std::string_view dependency) override;
  [[nodiscard]] Clock& clock() override { return core_.parts.clock; }
  [[nodiscard]] Random& random() override { return core_.parts.random; }

 private:
  EngineCore& core_;
  const Pair& pair_;
  Lane* lane_;  // none for a parked conversation
  const event::Tenant& tenant_;
  std::uint32_t tries_;
  bool woken_;
  Instant deadline_;
  log::Epoch epoch_;
};

}  // namespace sluice::engine
