// What a pool contributes: one handler. The engine does the rest.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/random.hpp"
#include "common/async/task.hpp"
#include "common/event/event.hpp"
#include "common/log/log.hpp"
#include "workers/engine/outcome.hpp"

namespace sluice::engine {

class Pass;

// One run of one event. Valid until handle() has returned.
class Attempt {
 public:
  Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  virtual ~Attempt() = default;

  // Tries before this one that counted, parked ones included. A wait for a dependency counts none.
  [[nodiscard]] virtual std::uint32_t tries_before() const = 0;

  // The events that stand behind this one in its lane now, in order. Of a parked conversation those whose bytes are in
  // memory.
  [[nodiscard]] virtual std::vector<const event::Event*> behind() const = 0;

  // Returns when another event has come to stand behind this one, or when the lane was woken from outside. Cancellable.
  virtual Task<> another_arrives() = 0;

  // True when this run exists because somebody woke the lane (take-over, STOP): look first whether the event became
  // void.
  [[nodiscard]] virtual bool woken() const = 0;

  // False once the partition has gone to somebody else: from then on only the ledger and recorded decisions may be
  // written.
  [[nodiscard]] virtual bool assignment_is_current() const = 0;
  [[nodiscard]] virtual log::Epoch epoch() const = 0;
  [[nodiscard]] virtual std::string_view owner() const = 0;  // this process and incarnation, as the ledger writes it

  // Everything of this run must be over by then; the engine cancels it, and an effect under way is then *unknown*.
  [[nodiscard]] virtual Instant deadline() const = 0;

  // Leave to call a dependency on behalf of the event's tenant: within its rate and concurrency. Kind::unavailable
  // while its breaker is open: answer Waiting (or take another rung, when the dependency is optional). Report what came
  // of it.
  virtual Task<Result<Pass>> enter(std::string_view dependency) = 0;

  [[nodiscard]] virtual Clock& clock() = 0;
  [[nodiscard]] virtual Random& random() = 0;
};

// What followers of an event do when it becomes a dead letter.
enum class Followers : std::uint8_t { go_on, hold };

class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  // Idempotent against any later redelivery of an event of its lane and one from a stale epoch.
  virtual Task<Outcome> handle(const event::Event& event, Attempt& attempt) = 0;

  // Called when a record is read, ahead of its lane's turn, in the order of its partition and awaited before the lane
  // may run the event. For what must not wait: consent words. It is called again after a crash, and until it succeeds
  // where its failure may pass; what fails for ever is logged, and the event has its turn all the same.
  virtual Task<Result<void>> when_read(const event::Event& event);
  [[nodiscard]] virtual bool reads_ahead() const { return false; }  // false: when_read() is not called
};

}  // namespace sluice::engine
