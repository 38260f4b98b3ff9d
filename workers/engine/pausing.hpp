// Which tenants wait in this pool, as one process knows it: what the table says, and what this process has decided and
// not stored yet. Their parked conversations sleep without a due time until the pause is over.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/async/clock.hpp"
#include "common/store/pauses.hpp"
#include "workers/engine/parked_index.hpp"

namespace sluice::engine {

// Who has paused, when it was no operator; only this one tries events and lifts by success.
constexpr std::string_view dead_rate_pauses = "dead-letter breaker";

class Pausing {
 public:
  explicit Pausing(std::string pool) : pool_(std::move(pool)) {}

  [[nodiscard]] const store::Pause* find(const event::Tenant& tenant) const { return now_.find(tenant, pool_); }
  [[nodiscard]] std::size_t count() const;  // that concern this pool

  [[nodiscard]] bool were_read() const { return were_read_; }  // until then nobody knows who waits

  // What the table says now. Answers the tenants whose lanes may wake.
  std::vector<std::string> loaded(store::Pauses pauses);
  void decided(const store::Pause& pause);   // holds at once, until stored() also against the table
  void lifted(const event::Tenant& tenant);  // the same
  void stored(const event::Tenant& tenant);  // the table says what was decided
  [[nodiscard]] std::uint64_t stores() const {
    return stores_;
  }  // so far; what was read before the last one is outdated
  [[nodiscard]] bool is_stored(const event::Tenant& tenant) const { return !unsaved_.contains(tenant.text()); }

  void sleep(const event::Tenant& tenant, LaneId lane) { asleep_[tenant.text()].insert(lane); }
  [[nodiscard]] std::vector<LaneId> wake(const std::string& tenant);  // all of them
  [[nodiscard]] bool wake_one(LaneId lane);                           // false: it does not sleep
  [[nodiscard]] std::vector<LaneId> wake_one_of_each();               // of tenants that the breaker paused
  void forget(LaneId lane);                                           // its partition has gone

  // Once: this run of the lane tries whether the pause is still needed.
  [[nodiscard]] bool take_probe(LaneId lane) { return probes_.erase(lane) > 0; }

 private:
  void overlay();

  std::string pool_;
  bool were_read_ = false;
  std::vector<store::Pause> table_;
  std::map<std::string, std::optional<store::Pause>> unsaved_;  // none: lifted
  std::uint64_t stores_ = 0;
  store::Pauses now_;
  std::map<std::string, std::unordered_set<LaneId>> asleep_;  // by tenant
  std::unordered_set<LaneId> probes_;
};

}  // namespace sluice::engine
