#include "common/async/semaphore.hpp"

#include <utility>

#include "common/async/waiter.hpp"

namespace sluice {

struct Permit::Pool {
  // A permit that comes back goes to the first waiter directly, so a newcomer can't take it in between.
  void give_back() {
    if (waiting.empty()) {
      ++free;
    } else {
      waiting.front().wake();
    }
  }

  std::size_t free;
  WaitList waiting;
};

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::move(other.pool_);
  }
  return *this;
}

void Permit::release() {
  if (const auto pool = std::exchange(pool_, nullptr)) pool->give_back();
}

Semaphore::Semaphore(std::size_t permits) : pool_(std::make_shared<Permit::Pool>(permits)) {}

Task<Permit> Semaphore::acquire() {
  const auto pool = pool_;
  if (pool->free > 0) {
    --pool->free;
  } else {
    Waiter waiter;
    pool->waiting.push_back(waiter);
    co_await waiter.wait();  // whoever woke it passed the permit on
  }
  co_return Permit{pool};
}

std::optional<Permit> Semaphore::try_acquire() {
  if (pool_->free == 0) return std::nullopt;
  --pool_->free;
  return Permit{pool_};
}

std::size_t Semaphore::available() const {
  return pool_->free;
}

}  // namespace sluice
