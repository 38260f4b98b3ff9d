// A worker of a storm as a process of its own: started, stopped, frozen and killed by the driver.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/async/clock.hpp"
#include "tests/support/process.hpp"

namespace sluice::storm {

// What is known of a worker from outside. It outlives it.
struct Life {
  std::filesystem::path marks;
  std::optional<Instant> over = {};                      // it did nothing any more from here on
  std::vector<std::pair<Instant, Instant>> frozen = {};  // stood still from, until
};

class WorkerProcess {
 public:
  struct Start {
    std::string program;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::string slot = {};  // a name that no two living workers have; empty: it is a member like any other
  };
  WorkerProcess(const Start& start, std::filesystem::path marks, const Clock& clock);

  // Waits until it listens: its engine has started, and joins the group by now. Answers with its private port; none: it
  // has given up, since what it needs is away.
  std::optional<int> wait_until_ready();

  int kill();        // SIGKILL, and gone when it returns; its exit code, which says whether that was what ended it
  void terminate();  // SIGTERM; it drains
  int wait();        // until it has ended; its exit code
  void freeze();     // SIGSTOP
  void thaw();       // SIGCONT

  [[nodiscard]] const std::string& slot() const { return slot_; }  // empty: none
  [[nodiscard]] bool has_ended() const;
  [[nodiscard]] bool is_frozen() const { return frozen_since_.has_value(); }
  [[nodiscard]] const Life& life() const { return life_; }
  [[nodiscard]] std::string said() { return process_.out() + process_.err(); }

 private:
  const Clock& clock_;
  std::string slot_;
  Life life_;
  std::optional<Instant> frozen_since_;
  Process process_;
};

}  // namespace sluice::storm
