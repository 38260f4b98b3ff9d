// A process that writes until it is killed, and what it said before.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/async/clock.hpp"
#include "tests/crash/crash_load.hpp"

namespace sluice::crash {

class Victim {
 public:
  Victim(const std::filesystem::path& file, const std::vector<std::int64_t>& numbers);
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim();

  // Listens until it says ready, then until the time is up, then kills it. Answers with all that it said.
  // Without `until_ready` the time runs from its birth, so that its opening is hit as well.
  std::vector<Said> live_and_die(const Clock& clock, bool until_ready, Duration after);

  [[nodiscard]] bool was_killed() const { return was_killed_; }  // and did not end by itself

 private:
  bool listen(int wait_ms);  // false when it has closed its end
  void kill();

  pid_t pid_ = -1;
  int ear_ = -1;
  bool was_killed_ = false;
  std::string heard_;
  std::vector<Said> said_;
};

}  // namespace sluice::crash
