#include "workers/engine/journaling.hpp"

#include <iterator>

#include "common/event/utf8.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

namespace {
constexpr std::size_t journal_batch_max = 4096;
}

std::optional<Arrival> Journaling::arrived_before(Instant then) {
  if (arrivals_.empty() || arrivals_.front().at > then) return std::nullopt;
  Arrival arrival = std::move(arrivals_.front());
  arrivals_.pop_front();
  return arrival;
}

void Journaling::add(store::JournalEntry entry) {
  waiting_.push_back(std::move(entry));
  keep_the_bound();
}

void Journaling::add(std::vector<store::JournalEntry> entries) {
  std::move(entries.begin(), entries.end(), std::back_inserter(waiting_));
  keep_the_bound();
}

std::vector<store::JournalEntry> Journaling::take(std::size_t max) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(max, waiting_.size()));
  std::vector<store::JournalEntry> taken{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)};
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

void Journaling::add_first(std::vector<store::JournalEntry> entries) {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  keep_the_bound();
}

void Journaling::keep_the_bound() {
  while (waiting_.size() > entries_max_) {
    waiting_.pop_front();
    ++dropped_;
  }
}

store::JournalEntry EngineCore::entry_of(const event::Event& event, std::string_view what, std::uint32_t attempt,
                                         std::string_view detail) const {
  constexpr std::size_t detail_bytes_max = 300;
  return {.tenant = event.tenant.text(),
          .root = event.root.text(),
          .event = event.id == event.root ? std::string{} : event.id.text(),
          .at = parts.clock.wall(),
          .pool = spec.name,
          .what = std::string{what},
          .attempt = attempt,
          .detail = std::string{event::cut_text(detail, detail_bytes_max)}};
}

std::string said(std::string_view sentence) {
  return event::cleaned_text(scrubbed(sentence));
}

void EngineCore::note(const event::Event& event, std::string_view what, std::uint32_t attempt,
                      std::string_view detail) {
  if (!journaling.on()) return;
  journaling.add(entry_of(event, what, attempt, detail));
  journal_soon();
}

void EngineCore::note_arrival(const PairPtr& pair, LaneId lane, ShortId event) {
  if (!journaling.on()) return;
  journaling.arrived({pair, lane, event, parts.clock.now(), parts.clock.wall()});
  journal_soon();
}

// After its effects, in a batch with others.
void EngineCore::tell_journal(std::vector<store::JournalEntry> entries) {
  if (entries.empty()) return;
  journaling.add(std::move(entries));
  journal_soon();
}

void EngineCore::journal_soon() {
  if (journaling.rows_waiting() >= journal_batch_max && journal_failures == 0) {
    journal_timer.arm(parts.clock.now());
  } else if (!journal_timer.armed()) {
    journal_timer.arm(parts.clock.now() + limits.journal_pause);
  }
}

// Those that were read a pause ago and are still not done. They stand before what was told of them since.
void EngineCore::tell_arrivals() {
  std::vector<store::JournalEntry> told;
  while (const auto arrival = journaling.arrived_before(parts.clock.now() - limits.journal_pause)) {
    const PairPtr pair = arrival->pair.lock();
    if (!pair || !pair->current) continue;
    const auto lane = pair->lanes.find(arrival->lane);
    if (lane == pair->lanes.end()) continue;
    for (const auto& queued : lane->second->queue) {
      if (short_id(queued.event.id) != arrival->event) continue;
      auto entry =
          entry_of(queued.event, "received", 0,
                   fmt::format("{} partition {} offset {}", pair->main->partition.topic, pair->number, queued.offset));
      entry.at = arrival->wall;
      told.push_back(std::move(entry));
    }
  }
  journaling.add_first(std::move(told));
}

namespace {

// What the next try may write; anything else would fail again.
bool worth_keeping(Kind kind) {
  return kind == Kind::unavailable || kind == Kind::overloaded || kind == Kind::timed_out || kind == Kind::exhausted;
}

}  // namespace

Task<> EngineCore::write_journal() {
  tell_arrivals();
  while (journal_writing) co_await journal_written.wait();
  journal_writing = true;
  while (!journaling.no_rows_wait()) {
    auto entries = journaling.take(journal_batch_max);
    db::Batch batch;
    batch.statements = store::journal_rows(entries);
    auto writing = parts.database.run(std::move(batch));
    const auto written = co_await std::move(writing);
    if (written) {
      journal_failures = 0;
      continue;
    }
    if (worth_keeping(written.error().kind)) journaling.add_first(std::move(entries));
    constexpr std::uint32_t told_every = 20;
    if (journal_failures++ % told_every == 0) {
      parts.logger.warn("the journal cannot be written now", {{"pool", spec.name},
                                                              {"class", name_of(written.error().kind)},
                                                              {"why", written.error().sentence},
                                                              {"dropped", journaling.dropped()}});
    }
    journal_timer.arm(parts.clock.now() + limits.storage_pause_max);
    break;
  }
  journal_writing = false;
  journal_written.notify_all();
  if (!journaling.nothing_waits()) journal_soon();
}

namespace {

std::string where_to(const std::vector<Output>& outputs) {
  std::string to;
  for (const auto& output : outputs) {
    to += to.empty() ? "to " : ", ";
    to += output.to;
  }
  return to;
}

struct Told {
  std::string_view what;
  std::string detail;
};

Told told_of(const Outcome& outcome) {
  if (const auto* done = std::get_if<Done>(&outcome)) return {"done", where_to(done->outputs)};
  if (const auto* suppressed = std::get_if<Suppressed>(&outcome)) return {"suppressed", suppressed->reason};
  if (const auto* at = std::get_if<At>(&outcome)) return {"scheduled", "until " + event::time_text(at->when)};
  if (const auto* never = std::get_if<Never>(&outcome)) {
    const std::string code = never->code.empty() ? std::string{} : fmt::format(" {}", never->code);
    return {"dead", fmt::format("{}{}: {}", class_of(*never), code, said(never->why.sentence))};
  }
  return {"merged", {}};
}

}  // namespace

// What a final outcome adds to the effects: its row of the journal, the name of its dead letter, and the root's term.
void EngineCore::tell_end(Finish& finish, const Outcome& outcome, const event::Event& event, std::uint32_t tries) {
  auto& statements = finish.changes.statements;
  if (spec.ends_roots) {
    if (auto word = word_of(outcome, event, parts.clock.wall())) {
      for (auto& row : store::outcome_rows(*word)) statements.push_back(std::move(row));
    }
  }
  if (!journaling.on()) return;
  auto told = told_of(outcome);
  finish.journal.push_back(entry_of(event, told.what, tries + 1, told.detail));
  if (std::holds_alternative<Never>(outcome)) {
    const Letter letter{.pool = spec.name, .owner = {}, .from = {}, .event = &event, .why = {}, .code = {}};
    statements.push_back(
        store::name_in_journal(event.tenant, letter_id(letter, 0), event.root.text(), parts.clock.wall()));
  }
}

}  // namespace sluice::engine
