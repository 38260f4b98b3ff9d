// So many handlers at a time. Those that wait get their turns tenant by tenant, each tenant's in the order in which
// they asked: one with thousands of conversations costs the others one turn each round. On one loop's thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "common/async/task.hpp"
#include "common/async/waiter.hpp"
#include "common/event/tenant.hpp"

namespace sluice::engine {

class FairTurns {
  struct Room {
    std::size_t free;
    std::map<event::Tenant, WaitList> waiting = {};
    std::optional<event::Tenant> served = {};  // last

    void give_back();
  };

 public:
  // Given back when it ends; it may outlive what it came from.
  class Turn {
   public:
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (room_) room_->give_back();
    }

   private:
    friend class FairTurns;
    explicit Turn(std::shared_ptr<Room> room) : room_(std::move(room)) {}
    std::shared_ptr<Room> room_;
  };

  explicit FairTurns(std::size_t turns) : room_(std::make_shared<Room>(turns)) {}

  std::optional<Turn> take_free(const event::Tenant& tenant);  // none: the tenant has to wait

  // Throws operation_aborted when cancelled; a turn that was on its way goes to the next one.
  Task<Turn> acquire(event::Tenant tenant);

 private:
  std::shared_ptr<Room> room_;
};

}  // namespace sluice::engine
