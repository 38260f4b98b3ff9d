// So many at a time, in the order in which they asked. On one loop's thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "common/async/task.hpp"

namespace sluice {

class Semaphore;

// One permit, given back when this ends. It may outlive its semaphore.
class Permit {
 public:
  Permit(Permit&&) noexcept = default;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { release(); }

  void release();  // earlier than at its end; a second time does nothing

 private:
  friend class Semaphore;
  struct Pool;
  explicit Permit(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

  std::shared_ptr<Pool> pool_;  // null when it was released or moved from
};

class Semaphore {
 public:
  explicit Semaphore(std::size_t permits);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // First come, first served: a newcomer never overtakes a waiter. Throws operation_aborted when cancelled; a permit
  // that was on its way goes to the next one.
  Task<Permit> acquire();

  // Nothing when none is free.
  [[nodiscard]] std::optional<Permit> try_acquire();

  [[nodiscard]] std::size_t available() const;

 private:
  std::shared_ptr<Permit::Pool> pool_;
};

}  // namespace sluice
