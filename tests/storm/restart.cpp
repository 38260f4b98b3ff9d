#include "tests/storm/restart.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <httplib.h>

#include "tests/storm/evidence.hpp"
#include "tests/support/seed.hpp"
#include "workers/engine/commit_note.hpp"

namespace sluice::storm {

namespace {

using namespace std::chrono_literals;

constexpr int smaller = instrumented ? 4 : 1;
constexpr int flowing_conversations = 4'500 / smaller;
constexpr int flowing_each = 4;
constexpr int parked_conversations = 500 / smaller;
constexpr int parked_each = 2;
constexpr int in_flight_min = 10'000 / smaller;
constexpr int finished_min = 5'000 / smaller;  // what was parked included
constexpr std::chrono::seconds patience{90};

// The parked ones come first. Their heads fail until they are parked, and are due when the next worker is at work.
std::vector<Planned> planned_restart() {
  std::vector<Planned> plan;
  for (int i = 0; i < parked_conversations * parked_each; ++i) {
    const bool is_head = i < parked_conversations;
    plan.push_back({.number = i,
                    .conversation = i % parked_conversations,
                    .failures = is_head ? failures_to_park : 0,
                    .pause = 1ms,
                    .parked = 10s});
  }
  for (int i = 0; i < flowing_conversations * flowing_each; ++i) {
    constexpr int scatter = 7'919;  // a prime: neighbours do not end together
    plan.push_back({.number = static_cast<int>(plan.size()),
                    .conversation = parked_conversations + i % flowing_conversations,
                    .behaviour = i % 10 == 0 ? Behaviour::effect : Behaviour::row,
                    .pause = 500ms + 1ms * (i * scatter % 2'500)});
  }
  return plan;
}

class Restart {
 public:
  explicit Restart(std::unique_ptr<Scene> scene) : scene_(std::move(scene)), plan_(planned_restart()) {
    constexpr std::size_t portion = 1'000;
    for (std::size_t next = 0; next < plan_.size(); next += portion) {
      const auto first = plan_.begin() + static_cast<std::ptrdiff_t>(next);
      std::vector<Planned> events{first, first + static_cast<std::ptrdiff_t>(std::min(portion, plan_.size() - next))};
      scene_->run(scene_->append(std::move(events)));
    }
  }

  // The first worker ends in the middle of it, as `end` makes it.
  template <class End>
  void end_the_first(End&& end) {
    scene_->leave();
    const auto first = scene_->start_worker();
    const auto port = first->wait_until_ready();
    REQUIRE_MESSAGE(port.has_value(), first->said());
    httplib::Client client{"127.0.0.1", *port};
    const auto is_in_the_middle = [&] {
      const auto answer = client.Get("/metrics");
      if (!answer) return false;
      return figure(answer->body, "records") >= in_flight_min &&
             figure(answer->body, "finished_total") >= finished_min &&
             figure(answer->body, "parked_lanes") >= parked_conversations;
    };
    REQUIRE_MESSAGE(reaches(is_in_the_middle), first->said());
    end(*first);
    lives_.push_back(first->life());
    scene_->come_back();
    look_at_commits();
  }

  // Another one does the rest.
  void go_on() {
    scene_->leave();
    const auto second = scene_->start_worker();
    REQUIRE_MESSAGE(second->wait_until_ready().has_value(), second->said());
    const auto is_over = [&] {
      return ended(1).size() + ended(0).size() >= plan_.size() && ended_together() == plan_.size();
    };
    lives_.push_back(second->life());
    CHECK_MESSAGE(reaches(is_over), second->said());
    second->terminate();
    CHECK(second->wait() == 0);
    lives_.back() = second->life();
    scene_->come_back();
    const auto evidence = evidence_of(*scene_, plan_, lives_);
    const auto broken = broken_oracles(evidence);
    for (const auto& sentence : broken) MESSAGE(sentence);
    CHECK(broken.empty());
  }

  [[nodiscard]] std::set<int> begun(std::size_t life) const {
    std::set<int> numbers;
    for (const auto& run : runs_of(lives_.at(life), life)) numbers.insert(run.number);
    return numbers;
  }
  [[nodiscard]] std::set<int> ended(std::size_t life) const {
    std::set<int> numbers;
    for (const auto& run : runs_of(lives_.at(life), life)) {
      if (run.is_final) numbers.insert(run.number);
    }
    return numbers;
  }

  // Of those that the first one had brought to their end: so many the second one began again.
  [[nodiscard]] std::set<int> repeats() const {
    std::set<int> both;
    std::ranges::set_intersection(ended(0), begun(1), std::inserter(both, both.end()));
    return both;
  }

  // What the last commit of the first one says is done never starts again.
  void nothing_that_is_committed_starts_again() const {
    std::set<int> wrong;
    std::ranges::set_intersection(committed_, begun(1), std::inserter(wrong, wrong.end()));
    CHECK_MESSAGE(wrong.empty(), wrong.size(), " events, the first is ", wrong.empty() ? 0 : *wrong.begin());
  }

  // What was complete so long before the end was committed. An event was complete when the next of its conversation
  // began.
  void nothing_that_was_complete_before_starts_again(Duration before) const {
    const auto again = begun(1);
    std::map<int, int> last;  // the event of a conversation that began last
    Duration oldest{};
    std::size_t complete = 0;
    for (const auto& run : runs_of(lives_.front(), 0)) {
      const int conversation = plan_.at(static_cast<std::size_t>(run.number)).conversation;
      const auto known = last.find(conversation);
      const bool follows = known != last.end() && known->second != run.number;
      const Duration age = *lives_.front().over - run.begin;
      if (follows && age > before) ++complete;
      if (follows && again.contains(known->second)) oldest = std::max(oldest, age);
      last.insert_or_assign(conversation, run.number);
    }
    CHECK(complete > 0);
    CHECK(oldest <= before);
    MESSAGE("the oldest that was complete and started again was so for ", oldest / 1ms, " ms");
  }

  // Where log and database share transactions.
  void nothing_with_an_effect_row_starts_again() const {
    std::set<int> wrong;
    std::ranges::set_intersection(rows_, begun(1), std::inserter(wrong, wrong.end()));
    CHECK(wrong.empty());
  }

  void tell(std::string_view how) const {
    MESSAGE(fmt::format("{}: {} events had ended, {} were committed, {} started again", how, ended(0).size(),
                        committed_.size(), repeats().size()));
  }

 private:
  static double figure(const std::string& metrics, std::string_view name) {
    const auto line = fmt::format("\nsluice_engine_{}{{pool=\"{}\"}} ", name, pool);
    const auto place = metrics.find(line);
    return place == std::string::npos ? -1 : std::strtod(metrics.c_str() + place + line.size(), nullptr);
  }

  template <class Condition>
  bool reaches(Condition&& condition) {
    const Instant give_up = scene_->clock().now() + patience;
    while (scene_->clock().now() < give_up) {
      if (condition()) return true;
      scene_->run(scene_->clock().sleep_for(50ms));
    }
    return false;
  }

  [[nodiscard]] std::size_t ended_together() const {
    auto numbers = ended(0);
    numbers.merge(ended(1));
    return numbers.size();
  }

  // An event whose records in main and retry are all done by the last commit.
  void look_at_commits() {
    std::map<std::string, int> numbers;
    for (const auto& planned : plan_) numbers.emplace(event_of(planned).id.text(), planned.number);
    std::set<int> open;
    for (const auto& topic : {scene_->topics().main, scene_->topics().retry}) {
      for (std::int32_t number = 0; number < event::partitions_per_topic; ++number)
        look_at_commit({topic, number}, numbers, open);
    }
    for (const auto& planned : plan_) {
      if (!open.contains(planned.number)) committed_.insert(planned.number);
    }
    const auto rows = scene_->run(scene_->database().read({"SELECT event FROM storm_effects WHERE guarded = 1", {}}));
    REQUIRE(rows.has_value());
    for (std::size_t row = 0; row < rows->size(); ++row) rows_.insert(static_cast<int>(rows->integer(row, 0)));
  }

  void look_at_commit(const log::Partition& partition, const std::map<std::string, int>& numbers, std::set<int>& open) {
    const auto committed = scene_->run(scene_->log().committed(scene_->group(), partition));
    REQUIRE(committed.has_value());
    const log::Offset watermark = *committed ? (*committed)->watermark : 0;
    const auto note = *committed ? engine::read_note((*committed)->metadata, watermark) : std::nullopt;
    for (log::Offset from = watermark;;) {
      const auto records = scene_->run(scene_->log().read(partition, from, {}));
      REQUIRE(records.has_value());
      if (records->empty()) break;
      from = records->back().offset() + 1;
      for (const auto& record : *records) {
        const auto covers = [&](const engine::DoneRun& run) {
          return run.first <= record.offset() && record.offset() <= run.last;
        };
        if (note && std::ranges::any_of(note->done, covers)) continue;
        open.insert(numbers.at(std::string{record.header("ce_id").value()}));
      }
    }
  }

  std::unique_ptr<Scene> scene_;
  std::vector<Planned> plan_;
  std::vector<Life> lives_;
  std::set<int> committed_;
  std::set<int> rows_;
};

// A commit is begun a quarter of a second after a completion or after 500 of them, which the engine's own tests hold it
// to in simulated time. Here it also has to be written, by a machine that does much else.
constexpr std::chrono::milliseconds committed_within{1'000};

}  // namespace

void a_stop_repeats_nothing(std::unique_ptr<Scene> scene) {
  Restart restart{std::move(scene)};
  restart.end_the_first([](WorkerProcess& worker) {
    worker.terminate();
    CHECK(worker.wait() == 0);
  });

  restart.go_on();

  restart.tell("SIGTERM");
  CHECK(restart.repeats().empty());
  restart.nothing_that_is_committed_starts_again();
}

void a_kill_repeats_only_what_was_not_committed(std::unique_ptr<Scene> scene, bool is_atomic) {
  Restart restart{std::move(scene)};
  restart.end_the_first([](WorkerProcess& worker) { CHECK(worker.kill() == 128 + SIGKILL); });

  restart.go_on();

  restart.tell("SIGKILL");
  restart.nothing_that_is_committed_starts_again();
  if (is_atomic) {
    restart.nothing_with_an_effect_row_starts_again();
  } else {
    restart.nothing_that_was_complete_before_starts_again(committed_within);
  }
}

}  // namespace sluice::storm
