// What a storm left: in the log, in the database and in the marks of its workers; and what must be true of it.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/storm/scene.hpp"

namespace sluice::storm {

// One run of a handler.
struct Ran {
  int number = 0;
  std::size_t life = 0;  // whose
  Instant begin{};
  std::optional<Instant> end = {};  // none: its process ended first, or the engine gave it up
  bool is_final = false;            // it answered with the end of the event
  bool is_orphan = false;
};
std::vector<Ran> runs_of(const Life& life, std::size_t which);  // in the order in which they began

struct FoundLetter {
  int number = 0;
  std::string id;
  std::string code;
};

struct Lag {
  std::string topic;
  std::int32_t number = 0;
  log::Offset end = 0;
  log::Offset committed = 0;
};

struct Evidence {
  std::vector<Planned> plan;
  std::vector<Life> lives;
  std::vector<Ran> runs;
  std::vector<int> outputs;  // events, in the order of their records; of different partitions in no order
  std::vector<int> effects;  // events, in the order in which their effects were taken
  std::vector<FoundLetter> letters;
  std::map<int, std::string> ledger;  // the states of its rows, by event
  std::int64_t open_rows = 0;         // of parked heads, the schedule, and effects that are planned or attempted
  std::vector<Lag> lags;              // partitions of which the commit is not the end
};

Evidence evidence_of(Scene& scene, std::vector<Planned> plan, std::vector<Life> lives);
std::vector<Lag> lags_of(Scene& scene);

// What has not come to its end, as far as one can see without stopping anybody. Commits are asked for when all events
// have ended.
struct Left {
  std::int64_t events = std::numeric_limits<std::int64_t>::max();
  std::size_t commits = std::numeric_limits<std::size_t>::max();  // partitions of which the commit is not the end

  [[nodiscard]] bool nothing() const { return events == 0 && commits == 0; }
  auto operator<=>(const Left&) const = default;
};
Left left_to_end(Scene& scene, std::span<const Planned> plan);

// What is wrong, at most so many sentences.
std::vector<std::string> broken_oracles(const Evidence& evidence, std::size_t sentences_max = 20);

}  // namespace sluice::storm
