// What is true of each event, whatever the engine believes: where its records stand in the log, what a handler said of
// it, and what of that is durable. Oracles compare the engine with it while it runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/db/simulated_database.hpp"
#include "common/event/pools.hpp"
#include "common/log/simulated_log.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/support/world.hpp"
#include "workers/engine/outcome.hpp"
#include "workers/engine/tracker.hpp"

namespace sluice::simulation {

enum class Side : std::uint8_t { main, retry };

// One run of a handler, from its begin to its end.
struct Run {
  int event = 0;
  std::uint64_t number = 0;
  int incarnation = 0;  // of a process
  log::Epoch epoch = 0;
};

struct Told {  // of one event
  bool acknowledged = false;
  Instant acknowledged_at{};
  std::uint32_t runs = 0;
  std::uint32_t failures = 0;  // runs that counted as a try
  std::uint32_t ends = 0;      // runs that said something final, the schedule included
  std::optional<Instant> first_end = {};
  bool done = false;
  bool merged = false;
  bool suppressed = false;
  bool left_for_schedule = false;
  bool given_up = false;             // its effect stays unknown
  std::optional<WallTime> due = {};  // when it is scheduled for
  std::optional<Instant> fired_at = {};
  std::vector<int> covered_by = {};
};

class Truth {
 public:
  Truth(SimulatedWorld& world, const Plan& plan, log::SimulatedBroker& broker, db::SimulatedStore& store);

  // The first oracle that was broken, as a sentence. Later ones are consequences.
  void broken(std::string sentence);
  [[nodiscard]] const std::optional<std::string>& what_broke() const { return broken_; }
  void note(const std::string& line);  // into the history
  void topics_are_made();              // before anything else is asked

  // What handlers do. An end without an outcome is a failure: it threw, or was cancelled.
  Run begins(int event, int incarnation, log::Epoch epoch, std::uint32_t tries_before);
  void ends(const Run& run, const engine::Outcome* outcome, std::span<const int> behind, bool is_orphan);
  void was_accepted(int event);  // by the provider
  void loses(log::Epoch epoch);  // its member was told so: what goes on under it is an orphan
  void schedules(int event, WallTime due);
  void wall_is_read() { latest_wall_ = std::max(latest_wall_, world_.clock.wall()); }  // before it is set back

  // Where followers of a dead letter are held: from its first letter until an operator releases them.
  [[nodiscard]] bool is_held(int conversation) const { return held_by_[index(conversation)].has_value(); }
  void is_released(int conversation) {
    read_log();
    held_by_[index(conversation)].reset();
  }
  [[nodiscard]] std::size_t times_held() const { return times_held_; }

  // Before a commit is sent: does it say only what is true? After anything that may have stored one: is what is stored
  // true, and does it take nothing back?
  void commit_is_sent(std::span<const log::Commit> commits);
  void commit_was_acknowledged(std::span<const log::Commit> commits);
  void look_at_commits();
  // What the engine itself appends to main is what fires.
  void fires(int event);

  [[nodiscard]] int number_of(const event::EventId& id) const { return by_id_.at(id.text()); }
  [[nodiscard]] Told& of(int event) { return told_[index(event)]; }
  [[nodiscard]] const PlannedEvent& planned(int event) const { return plan_.events[index(event)]; }
  [[nodiscard]] const std::string& name(int event) const { return planned(event).name; }
  [[nodiscard]] bool finished(int event);  // for good and durably
  [[nodiscard]] bool is_in_log(int event) const { return !places_[index(event)].empty(); }
  [[nodiscard]] int letters(int event) const { return letters_[index(event)]; }
  [[nodiscard]] std::ptrdiff_t records_in_retry(int event) const;
  [[nodiscard]] bool all_committed();
  [[nodiscard]] const std::unordered_set<std::uint64_t>& orphan_runs() const { return orphan_runs_; }
  [[nodiscard]] const std::vector<int>& outputs() const { return outputs_in_order_; }
  void read_log();  // what was appended since

  const event::PoolTopics topics = event::topics_of("sluice", "classify");
  const std::string group = event::group_of("sluice", "classify");

 private:
  struct Place {
    Side side = Side::main;
    std::int32_t number = 0;
    log::Offset offset = 0;
  };
  struct Coverage {
    log::Offset watermark = 0;
    std::string metadata = {};
    std::vector<engine::DoneRun> done = {};
    [[nodiscard]] bool covers(log::Offset offset) const;
    [[nodiscard]] bool covers(const Coverage& other, const std::vector<log::StoredRecord>& records) const;
  };
  // A partition of the broker, followed record by record.
  struct Followed {
    log::Partition partition;
    const log::StoredPartition& stored;
    std::size_t read = 0;        // so many of its records
    Coverage committed = {};     // of a partition that the group consumes
    Coverage acknowledged = {};  // by commits that were answered well
  };
  static std::size_t index(int event) { return static_cast<std::size_t>(event); }
  [[nodiscard]] std::vector<Followed> follow(const std::string& topic);
  [[nodiscard]] static Coverage coverage_of(log::Offset watermark, const std::string& metadata);
  [[nodiscard]] Followed& followed(Side side, std::int32_t number) {
    return (side == Side::main ? main_ : retry_)[static_cast<std::size_t>(number)];
  }
  void refresh();  // what is stored in the group
  void read_side(Side side, Followed& followed);
  void read_outputs(Followed& out);
  void read_letters(Followed& dead);
  int event_of(const log::StoredRecord& record) const;
  [[nodiscard]] bool artefacts_are_there(int event);
  [[nodiscard]] bool has_row(int event);
  [[nodiscard]] bool is_scheduled(int event);
  void must_have_places(const char* when, const Coverage* instead, Side side, std::int32_t number);
  [[nodiscard]] bool owns(log::Epoch epoch, int event) const;
  void must_be_its_turn(int event, const char* does);
  void note_places(int conversation);

  SimulatedWorld& world_;
  const Plan& plan_;
  log::SimulatedBroker& broker_;
  db::SimulatedStore& store_;
  std::optional<std::string> broken_;
  std::vector<Told> told_;
  std::unordered_map<std::string, int> by_id_;     // of the event; of an unreadable one by its value
  std::unordered_map<std::string, int> by_child_;  // of its output
  std::vector<std::vector<Place>> places_;
  std::vector<int> letters_;
  std::unordered_set<std::string> scheduled_;  // ids of events with a row in the schedule, when so many rows
  std::int64_t scheduled_as_of_ = -1;          // had been written
  std::vector<bool> convicted_;                // a letter says that it kills the process
  std::map<std::tuple<Side, std::int32_t, log::Offset>, std::set<log::Epoch>> alone_;  // as commits noted it
  std::vector<std::optional<int>> held_by_;  // by conversation: the event whose letter holds what comes after it
  std::size_t times_held_ = 0;
  std::vector<int> outputs_;
  std::vector<int> outputs_in_order_;  // events, as their outputs first came
  std::vector<bool> row_seen_;
  std::vector<Followed> main_;  // by number, as the next ones
  std::vector<Followed> retry_;
  std::vector<Followed> out_;
  std::vector<Followed> dead_;
  std::map<std::pair<int, log::Epoch>, int> running_;  // by conversation and epoch
  std::unordered_set<std::uint64_t> orphan_runs_;
  std::unordered_set<log::Epoch> lost_;
  std::uint64_t run_numbers_ = 0;
  WallTime latest_wall_{};
  std::vector<int> unfinished_;
};

// The ids under which an event's output is known.
event::Event output_of(const event::Event& event, std::uint64_t run);

}  // namespace sluice::simulation
