// Whether this process is alive and whether it can take work now. Read by probes from other threads, told by the loop.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "common/async/clock.hpp"
#include "common/async/guarded.hpp"

namespace sluice {

class Readiness {
 public:
  // The loop must have turned within this time for the process to be alive.
  static constexpr Duration turn_max = std::chrono::seconds{5};

  explicit Readiness(const Clock& clock);

  void turned();  // the loop says that it runs
  void drain() { draining_.store(true); }
  void part(const std::string& name, bool fit,
            std::string detail = {});  // one that decides whether a record can be stored

  [[nodiscard]] bool alive() const;
  [[nodiscard]] bool ready() const;         // alive, started, every part fit, not draining
  [[nodiscard]] std::string parts() const;  // JSON, for the private listener

 private:
  struct Part {
    bool fit = false;
    std::string detail;
  };
  const Clock& clock_;
  std::atomic<std::int64_t> last_turn_;
  std::atomic<bool> draining_{false};
  Guarded<std::map<std::string, Part>> parts_;
};

// Turns the loop's wheel once a second, for as long as it runs.
Task<> keep_turning(Readiness& readiness, Clock& clock);

}  // namespace sluice
