// The log's side of the truth: where each event has records, and what the group's commits say of them.
#include <algorithm>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "tests/simulation/truth.hpp"
#include "workers/engine/commit_note.hpp"
#include "workers/engine/letter.hpp"
#include "workers/engine/trial.hpp"

namespace sluice::simulation {

void Truth::topics_are_made() {
  main_ = follow(topics.main);
  retry_ = follow(topics.retry);
  out_ = follow(event::main_topic_of("sluice", "send"));
  dead_ = follow(topics.dead);
}

std::vector<Truth::Followed> Truth::follow(const std::string& topic) {
  std::vector<Followed> all;
  for (std::int32_t number = 0; number < plan_.partitions; ++number) {
    log::Partition partition{topic, number};
    const auto* stored = broker_.store().find(partition);
    ENSURE(stored != nullptr, "the topic was made");
    all.push_back({.partition = std::move(partition), .stored = *stored});
  }
  return all;
}

bool Truth::Coverage::covers(log::Offset offset) const {
  if (offset < watermark) return true;
  return std::any_of(done.begin(), done.end(),
                     [offset](const engine::DoneRun& run) { return run.first <= offset && offset <= run.last; });
}

Truth::Coverage Truth::coverage_of(log::Offset watermark, const std::string& metadata) {
  Coverage coverage{.watermark = watermark, .metadata = metadata};
  if (auto note = engine::read_note(metadata, watermark)) coverage.done = std::move(note->done);
  return coverage;
}

int Truth::event_of(const log::StoredRecord& record) const {
  for (const auto& header : record.headers) {
    if (header.name != "ce_id" || !header.value) continue;
    const auto known = by_id_.find(*header.value);
    if (known != by_id_.end()) return known->second;
  }
  const auto known = by_id_.find(record.value.value_or(""));
  return known == by_id_.end() ? -1 : known->second;
}

void Truth::read_log() {
  for (std::size_t number = 0; number < main_.size(); ++number) {
    read_side(Side::main, main_[number]);
    read_side(Side::retry, retry_[number]);
    read_outputs(out_[number]);
    read_letters(dead_[number]);
  }
}

void Truth::read_side(Side side, Followed& followed) {
  const auto& records = followed.stored.records;
  for (auto& at = followed.read; at < records.size(); ++at) {
    const int event = event_of(records[at]);
    if (event >= 0) places_[index(event)].push_back({side, followed.partition.number, records[at].offset});
  }
}

void Truth::read_outputs(Followed& out) {
  const auto& records = out.stored.records;
  for (auto& at = out.read; at < records.size(); ++at) {
    for (const auto& header : records[at].headers) {
      const auto child = header.name == "ce_id" ? by_child_.find(header.value.value_or("")) : by_child_.end();
      if (child == by_child_.end()) continue;
      if (++outputs_[index(child->second)] == 1) outputs_in_order_.push_back(child->second);
      constexpr std::string_view mark = "\"run\":\"";
      const std::string value = records[at].value.value_or("");
      const auto found = value.find(mark);
      const auto run = found == std::string::npos ? 0 : std::stoull(value.substr(found + mark.size()));
      if (orphan_runs_.contains(run))
        broken(fmt::format("an orphan completes nothing: the output of {} is of run {}, which ended as one",
                           name(child->second), run));
    }
  }
}

void Truth::read_letters(Followed& dead) {
  const auto& records = dead.stored.records;
  for (auto& at = dead.read; at < records.size(); ++at) {
    const int event = event_of(records[at]);
    if (event < 0) {
      broken("a dead letter is of an event: one is of none");
      continue;
    }
    const auto& headers = records[at].headers;
    const bool convicted = std::any_of(headers.begin(), headers.end(), [](const auto& header) {
      return header.name == "sluice-dead-class" && header.value == std::string{engine::crash_suspect};
    });
    if (convicted) convicted_[index(event)] = true;
    // Whom coincidence cut off in three assignments is convicted too: nobody can tell it from what kills.
    const auto& places = places_[index(event)];
    const bool is_suspect =
        convicted && std::any_of(places.begin(), places.end(), [this](const Place& place) {
          return alone_[{place.side, place.number, place.offset}].size() >= engine::Trial::deaths_alone_max;
        });
    if (!planned(event).can_never_work() && !is_suspect)
      broken(fmt::format("only what can never work becomes a dead letter: {} did", name(event)));
    const auto behaviour = planned(event).behaviour;
    const bool was_read = behaviour != Behaviour::unreadable && behaviour != Behaviour::damaged;
    if (++letters_[index(event)] > 1 || !was_read || plan_.followers != engine::Followers::hold) continue;
    held_by_[index(planned(event).conversation)] = event;
    ++times_held_;
  }
}

bool Truth::Coverage::covers(const Coverage& other, const std::vector<log::StoredRecord>& records) const {
  return std::all_of(records.begin(), records.end(), [&](const log::StoredRecord& record) {
    return covers(record.offset) || !other.covers(record.offset);
  });
}

// What is stored in the group; nothing that was acknowledged as committed may be taken back. (What may have been
// committed may: its events are run again anyway.)
void Truth::refresh() {
  for (auto* side : {&main_, &retry_}) {
    for (auto& followed : *side) {
      const auto committed = broker_.coordinator().committed(group, followed.partition);
      auto& known = followed.committed;
      if (!committed || (committed->watermark == known.watermark && committed->metadata == known.metadata)) continue;
      known = coverage_of(committed->watermark, committed->metadata);
      if (!known.covers(followed.acknowledged, followed.stored.records))
        broken(fmt::format("what was committed stays committed: of {}/{} it did not", followed.partition.topic,
                           followed.partition.number));
    }
  }
}

void Truth::must_have_places(const char* when, const Coverage* instead, Side side, std::int32_t number) {
  std::erase_if(unfinished_, [&](int event) {
    const auto& places = places_[index(event)];
    const bool waits = places.empty() || std::any_of(places.begin(), places.end(), [&](const Place& place) {
                         const bool replaced = instead != nullptr && place.side == side && place.number == number;
                         const Coverage& committed = replaced ? *instead : followed(place.side, place.number).committed;
                         return !committed.covers(place.offset);
                       });
    if (waits) return false;
    if (finished(event)) return true;
    if (is_scheduled(event)) return false;
    note_places(planned(event).conversation);
    broken(fmt::format("nothing unfinished is committed: {} nothing holds {} ({}) any more", when, name(event),
                       name_of(planned(event).behaviour)));
    return false;
  });
}

// For whoever reads the history.
void Truth::note_places(int conversation) {
  refresh();
  for (const int event : plan_.conversation[static_cast<std::size_t>(conversation)]) {
    std::string text;
    for (const auto& place : places_[index(event)]) {
      const auto& there = followed(place.side, place.number);
      text += fmt::format(" {}/{}{}", there.partition.topic, place.offset,
                          there.committed.covers(place.offset) ? " (committed)" : "");
    }
    note(fmt::format("{} ({}) stands at{}", name(event), name_of(planned(event).behaviour), text));
  }
}

std::ptrdiff_t Truth::records_in_retry(int event) const {
  const auto& places = places_[index(event)];
  return std::count_if(places.begin(), places.end(), [](const Place& place) { return place.side == Side::retry; });
}

void Truth::commit_is_sent(std::span<const log::Commit> commits) {
  read_log();
  refresh();
  for (const auto& commit : commits) {
    const Side side = commit.partition.topic == topics.main ? Side::main : Side::retry;
    const Coverage coverage = coverage_of(commit.watermark, commit.metadata);
    note(fmt::format("commits {} of {}/{} as {}", commit.watermark, commit.partition.topic, commit.partition.number,
                     commit.metadata));
    const auto taken = broker_.coordinator().check(commit);
    if (!taken) continue;  // of an owner that has not heard of its end: it is refused
    const auto as_noted = engine::read_note(commit.metadata, commit.watermark);
    if (as_noted && as_noted->open && as_noted->group == 1 && !as_noted->progress)
      alone_[{side, commit.partition.number, as_noted->suspect}].insert(commit.epoch);
    must_have_places("with the commit that is sent", &coverage, side, commit.partition.number);
  }
}

void Truth::commit_was_acknowledged(std::span<const log::Commit> commits) {
  for (const auto& commit : commits) {
    const Side side = commit.partition.topic == topics.main ? Side::main : Side::retry;
    const Coverage coverage = coverage_of(commit.watermark, commit.metadata);
    auto& there = followed(side, commit.partition.number);
    if (coverage.covers(there.acknowledged, there.stored.records)) there.acknowledged = coverage;
  }
}

void Truth::look_at_commits() {
  read_log();
  refresh();
  must_have_places("with what is committed", nullptr, Side::main, 0);
}

bool Truth::all_committed() {
  refresh();
  for (const auto* side : {&main_, &retry_}) {
    const bool all = std::all_of(side->begin(), side->end(), [](const Followed& followed) {
      const auto& records = followed.stored.records;
      return records.empty() || followed.committed.watermark > records.back().offset;
    });
    if (!all) return false;
  }
  return true;
}

}  // namespace sluice::simulation
