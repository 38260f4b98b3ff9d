// The tables of a seed as every seed finds them. The next one is given the same, put back to their beginning: making
// them would be a sixth of what a seed costs, and preparing their statements again a tenth.
#pragma once

#include <memory>

#include "common/db/simulated_database.hpp"

namespace sluice::simulation {

class Tables {
 public:
  Tables();
  ~Tables();
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;
  [[nodiscard]] db::SimulatedStore& store() { return *store_; }

 private:
  std::unique_ptr<db::SimulatedStore> store_;
};

}  // namespace sluice::simulation
