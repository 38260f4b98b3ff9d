// What an operator, or a breaker on the rate of dead letters, has paused: a tenant in a pool, a whole pool, a tenant
// everywhere, or everything. Why, by whom and since when stands beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

// Told after each change, in every process.
constexpr std::string_view pauses_channel = "pauses";

struct Pause {
  std::optional<event::Tenant> tenant = {};  // none: all of them
  std::string pool = {};                     // empty: all of them
  std::string reason;                        // for a person
  std::string who;                           // an operator's name, or the part of the program
  WallTime since{};

  bool operator==(const Pause&) const = default;
};

// One that is paused already keeps who, why and since when. The batches carry the notice.
db::Batch pause_batch(const Pause& pause);
db::Batch resume_batch(const std::optional<event::Tenant>& tenant, std::string pool);
Task<Done> pause(db::Database& database, Pause pause);
Task<Done> resume(db::Database& database, std::optional<event::Tenant> tenant, std::string pool);

// All that is paused now, as a process keeps it until it hears of a change.
class Pauses {
 public:
  Pauses() = default;
  explicit Pauses(std::vector<Pause> all) : all_(std::move(all)) {}

  // Why this tenant's events wait in this pool; null when they don't.
  [[nodiscard]] const Pause* find(const event::Tenant& tenant, std::string_view pool) const;
  [[nodiscard]] const std::vector<Pause>& all() const { return all_; }  // the longest first

 private:
  std::vector<Pause> all_;
};
Task<Result<Pauses>> load_pauses(db::Database& database);

// For the people of one tenant: what concerns them, pauses of everybody included.
Task<Result<std::vector<Pause>>> list_pauses(db::Database& database, event::Tenant tenant);

}  // namespace sluice::store
