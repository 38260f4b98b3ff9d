// How many calls are under way, so that a close can wait for them. From any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "common/async/guarded.hpp"
#include "common/async/reply.hpp"
#include "common/async/task.hpp"

namespace sluice::db {

class UnderWay {
  struct State {
    std::size_t inside = 0;
    bool closed = false;
    std::vector<std::shared_ptr<Reply<bool>>> waiting;
  };

 public:
  UnderWay() : state_(std::make_shared<Guarded<State>>()) {}

  // One call, from its beginning until this is gone; it may outlive the UnderWay.
  class Ticket {
   public:
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    friend class UnderWay;
    explicit Ticket(std::shared_ptr<Guarded<State>> state) : state_(std::move(state)) {}
    std::shared_ptr<Guarded<State>> state_;
  };

  [[nodiscard]] std::optional<Ticket> enter();  // none after close() began

  // Lets nobody in any more and waits, on the calling loop, until everybody is out. May be called by many.
  Task<> close();

 private:
  std::shared_ptr<Guarded<State>> state_;
};

}  // namespace sluice::db
