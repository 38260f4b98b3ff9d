// What happens to every event, on its way into the journal that `trace` reads. An event that ends within one pause of
// being read is one row, that of its end; one that takes longer has a row of its arrival too. Rows are
// written after what they tell, many at once: each stands in another place of the index, and a row per transaction
// would halve the throughput. A process that is killed loses the rows of its last pause; losing one loses no message.
// The bound drops the oldest and counts them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "common/async/timer.hpp"
#include "common/store/journal.hpp"
#include "workers/engine/parked_index.hpp"

namespace sluice::engine {

struct Pair;

// An event that was read and has not been told of yet.
struct Arrival {
  std::weak_ptr<Pair> pair;
  LaneId lane = 0;
  ShortId event = 0;
  Instant at{};
  WallTime wall{};
};

class Journaling {
 public:
  Journaling(bool on, std::size_t entries_max) : on_(on), entries_max_(entries_max) {}

  [[nodiscard]] bool on() const { return on_; }

  void arrived(Arrival arrival) { arrivals_.push_back(std::move(arrival)); }
  std::optional<Arrival> arrived_before(Instant then);  // takes it, the first one first

  void add(store::JournalEntry entry);
  void add(std::vector<store::JournalEntry> entries);
  [[nodiscard]] std::vector<store::JournalEntry> take(std::size_t max);  // those that wait longest
  void add_first(std::vector<store::JournalEntry> entries);              // back, or older than what waits

  [[nodiscard]] bool nothing_waits() const { return arrivals_.empty() && waiting_.empty(); }
  [[nodiscard]] std::size_t rows_waiting() const { return waiting_.size(); }
  [[nodiscard]] bool no_rows_wait() const { return waiting_.empty(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void keep_the_bound();

  bool on_;
  std::size_t entries_max_;
  std::deque<Arrival> arrivals_;
  std::deque<store::JournalEntry> waiting_;
  std::uint64_t dropped_ = 0;
};

// What a failure says, fit for a row that people read: without numbers of persons, valid text.
std::string said(std::string_view sentence);

}  // namespace sluice::engine
