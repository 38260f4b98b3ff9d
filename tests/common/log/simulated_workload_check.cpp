#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/log/simulated_workload.hpp"

namespace sluice::log {

std::size_t SimulatedWorkload::acknowledged() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(attempts_, [](const auto& attempt) { return attempt->answered && attempt->answer; }));
}

void SimulatedWorkload::check() {
  check_attempts();
  check_order();
  check_delivery();
  check_transactions();
}

// What was acknowledged is there, where it was said to be; what was refused is not there.
void SimulatedWorkload::check_attempts() {
  std::map<std::string, std::vector<Offset>> stored;
  for (const auto* topic : {"in", "out"}) {
    for (int number = 0; number < broker_.store().topic(topic)->partitions; ++number) {
      const auto& records = broker_.store().find({topic, number})->records;
      const auto rises = std::ranges::is_sorted(records, std::ranges::less_equal{}, &StoredRecord::offset);
      CHECK(rises);
      for (const auto& record : records) stored[record.value.value_or("")].push_back(record.offset);
    }
  }
  for (const auto& attempt : attempts_) {
    const auto& there = stored[attempt->value];
    if (!attempt->answered) continue;
    bool kept = true;
    if (attempt->answer) kept = std::ranges::count(there, attempt->answer->at(0)) == 1;
    if (!attempt->answer && attempt->answer.error().kind != Kind::maybe_done) kept = there.empty();
    CHECK_MESSAGE(kept, attempt->value);
  }
}

// What one process appended to one partition stands there in the order of its calls.
void SimulatedWorkload::check_order() {
  std::map<std::pair<std::string, Partition>, Offset> last;
  for (const auto& attempt : attempts_) {
    if (!attempt->answered || !attempt->answer) continue;
    const auto offset = attempt->answer->front();
    auto& before = last.try_emplace({attempt->process, attempt->to}, -1).first->second;
    CHECK(offset > before);
    before = offset;
  }
}

// Nothing was committed that nobody was told.
void SimulatedWorkload::check_delivery() {
  for (int number = 0; number < broker_.store().topic("in")->partitions; ++number) {
    const Partition partition{"in", number};
    const auto& told = delivered_[partition];
    const auto all_told = std::ranges::all_of(broker_.store().find(partition)->records,
                                              [&](const auto& record) { return told.contains(record.offset); });
    CHECK(all_told);
  }
}

// Outputs and changes of atomic appends are there together or not at all, whatever was answered.
void SimulatedWorkload::check_transactions() {
  if (!atomic_) return;
  std::map<std::string, int> outputs;
  for (int number = 0; number < broker_.store().topic("out")->partitions; ++number) {
    for (const auto& record : broker_.store().find({"out", number})->records) ++outputs[record.value.value_or("")];
  }
  CHECK(outputs == applied_);
}

}  // namespace sluice::log
