#include "tests/storm/evidence.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <set>
#include <unordered_map>

#include "common/base/ensure.hpp"
#include "common/store/effects.hpp"

namespace sluice::storm {
namespace {

using Numbers = std::unordered_map<std::string, int>;  // of events, by id

std::vector<log::Record> all_of(Scene& scene, const log::Partition& partition) {
  std::vector<log::Record> all;
  for (log::Offset from = 0;;) {
    auto records = scene.run(scene.log().read(partition, from, {}));
    ENSURE(records.has_value(), "the log can be read after the storm");
    if (records->empty()) return all;
    from = records->back().offset() + 1;
    std::move(records->begin(), records->end(), std::back_inserter(all));
  }
}

template <class F>
void each_record(Scene& scene, const std::string& topic, F&& look) {
  for (std::int32_t number = 0; number < event::partitions_per_topic; ++number) {
    for (const auto& record : all_of(scene, {topic, number})) look(record);
  }
}

int number_of(const log::Record& record, const Numbers& numbers) {
  const auto id = record.header("ce_id");
  ENSURE(id.has_value(), "a record of the storm has its event's id");
  const auto known = numbers.find(std::string{*id});
  return known == numbers.end() ? -1 : known->second;
}

}  // namespace

std::vector<Ran> runs_of(const Life& life, std::size_t which) {
  std::ifstream file{life.marks, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  std::vector<Ran> runs;
  std::unordered_map<int, std::deque<std::size_t>> open;  // an orphan's event may run again beside it
  for (std::size_t at = 0; at + sizeof(Mark) <= bytes.size(); at += sizeof(Mark)) {
    Mark mark;
    std::memcpy(&mark, bytes.data() + at, sizeof mark);
    auto& its_runs = open[mark.number];
    if (mark.what == Mark::What::begins) {
      its_runs.push_back(runs.size());
      runs.push_back({.number = mark.number, .life = which, .begin = Instant{Duration{mark.at}}});
      continue;
    }
    ENSURE(!its_runs.empty(), "what ends has begun");
    auto& run = runs[its_runs.front()];
    its_runs.pop_front();
    run.end = Instant{Duration{mark.at}};
    run.is_final = mark.is_final != 0;
    run.is_orphan = mark.is_orphan != 0;
  }
  return runs;
}

std::vector<Lag> lags_of(Scene& scene) {
  std::vector<Lag> lags;
  for (const auto& topic : {scene.topics().main, scene.topics().retry}) {
    for (std::int32_t number = 0; number < event::partitions_per_topic; ++number) {
      const auto span = scene.run(scene.log().span({topic, number}));
      const auto committed = scene.run(scene.log().committed(scene.group(), {topic, number}));
      ENSURE(span.has_value() && committed.has_value(), "the log answers after the storm");
      const log::Offset watermark = *committed ? (*committed)->watermark : 0;
      if (watermark != span->end) lags.push_back({topic, number, span->end, watermark});
    }
  }
  return lags;
}

Evidence evidence_of(Scene& scene, std::vector<Planned> plan, std::vector<Life> lives) {
  Evidence found;
  Numbers numbers;
  Numbers outputs;
  Numbers effects;
  for (const auto& planned : plan) {
    const auto event = event_of(planned);
    numbers.emplace(event.id.text(), planned.number);
    outputs.emplace(output_of(event).id.text(), planned.number);
    effects.emplace(store::effect_id(event.tenant, event.id, pool).text(), planned.number);
  }
  for (std::size_t which = 0; which < lives.size(); ++which) {
    auto runs = runs_of(lives[which], which);
    std::move(runs.begin(), runs.end(), std::back_inserter(found.runs));
  }
  each_record(scene, event::main_topic_of(scene.prefix(), "send"),
              [&](const log::Record& record) { found.outputs.push_back(number_of(record, outputs)); });
  each_record(scene, scene.topics().dead, [&](const log::Record& record) {
    found.letters.push_back({.number = number_of(record, numbers),
                             .id = std::string{record.key().value_or("")},
                             .code = std::string{record.header("sluice-dead-code").value_or("")}});
  });
  auto rows = scene.run(scene.database().read({"SELECT event FROM storm_effects ORDER BY place", {}}));
  ENSURE(rows.has_value(), "the effects can be read");
  for (std::size_t row = 0; row < rows->size(); ++row) found.effects.push_back(static_cast<int>(rows->integer(row, 0)));
  rows = scene.run(scene.database().read({"SELECT id, state FROM effects", {}}));
  ENSURE(rows.has_value(), "the ledger can be read");
  for (std::size_t row = 0; row < rows->size(); ++row)
    found.ledger.emplace(effects.at(rows->text(row, 0)), rows->text(row, 1));
  found.open_rows = scene.count({"SELECT count(*) FROM parked_heads", {}}) +
                    scene.count({"SELECT count(*) FROM schedule WHERE state IN ('pending', 'claimed')", {}}) +
                    scene.count({"SELECT count(*) FROM effects WHERE state IN ('planned', 'attempting')", {}});
  found.lags = lags_of(scene);
  found.plan = std::move(plan);
  found.lives = std::move(lives);
  return found;
}

Left left_to_end(Scene& scene, std::span<const Planned> plan) {
  const auto planned = [&](Behaviour behaviour) {
    return std::ranges::count_if(plan, [&](const Planned& one) { return one.behaviour == behaviour; });
  };
  const auto rows = scene.count({"SELECT count(*) FROM storm_effects WHERE guarded = 1", {}});
  const auto settled = scene.count({"SELECT count(*) FROM effects WHERE state IN ('sent', 'unknown')", {}});
  Left left{.events = std::max<std::int64_t>(0, planned(Behaviour::row) - rows) +
                      std::max<std::int64_t>(0, planned(Behaviour::effect) - settled)};
  if (left.events == 0) left.commits = lags_of(scene).size();
  return left;
}

}  // namespace sluice::storm
