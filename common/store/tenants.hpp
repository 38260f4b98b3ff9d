// The businesses that this installation serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

struct TenantRow {
  event::Tenant id;
  std::string name;
  WallTime created_at{};
  std::string settings = "{}";  // JSON

  bool operator==(const TenantRow&) const = default;
};

// Failures as db::Database; what is stored under an id that is no tenant's name is Kind::corrupt.
class Tenants {
 public:
  static constexpr std::int64_t page_rows_max = 500;

  explicit Tenants(db::Database& database) : database_(database) {}

  Task<Result<std::optional<TenantRow>>> find(event::Tenant id);
  Task<Done> insert(TenantRow tenant);  // conflict when the id is taken

  // In the order of their ids, at most `page_rows_max`: those above `after`, or from the beginning.
  Task<Result<std::vector<TenantRow>>> list(std::optional<event::Tenant> after = {});

 private:
  db::Database& database_;
};

}  // namespace sluice::store
