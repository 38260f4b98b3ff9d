// What must be true after a storm, whatever was killed, frozen or away in it.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "tests/storm/evidence.hpp"

namespace sluice::storm {
namespace {

class Oracles {
 public:
  Oracles(const Evidence& evidence, std::size_t sentences_max) : of_(evidence), sentences_max_(sentences_max) {
    for (const auto& planned : of_.plan) {
      conversation_[planned.number] = planned.conversation;
      conversations_ = std::max(conversations_, planned.conversation + 1);
    }
    for (const int number : of_.effects) ++effects_[number];
    for (const int number : of_.outputs) ++outputs_[number];
    for (const auto& letter : of_.letters) letters_[letter.number].insert(letter.id);
  }

  std::vector<std::string> look() {
    nothing_comes_from_nowhere();
    for (const auto& planned : of_.plan) it_ends_once(planned);
    effects_are_in_order(of_.effects, "effect");
    effects_are_in_order(first_ones(of_.outputs), "output");
    runs_do_not_overlap();
    commits_are_the_end();
    return std::move(broken_);
  }

 private:
  template <class... Values>
  void broken(fmt::format_string<Values...> sentence, Values&&... values) {
    if (broken_.size() < sentences_max_) broken_.push_back(fmt::format(sentence, std::forward<Values>(values)...));
  }

  void nothing_comes_from_nowhere() {
    for (const auto& [number, times] : outputs_) {
      if (!conversation_.contains(number)) broken("{} outputs are of no event", times);
    }
    for (const auto& [number, ids] : letters_) {
      if (!conversation_.contains(number)) broken("{} dead letters are of no event", ids.size());
    }
    for (const auto& letter : of_.letters) {
      if (letter.code != "21211") broken("event {} died of '{}', which no handler said", letter.number, letter.code);
    }
    if (of_.open_rows > 0) broken("{} rows of parked heads, schedule or ledger are still open", of_.open_rows);
  }

  // The identity: every event is done or a dead letter, one of them, once.
  void it_ends_once(const Planned& planned) {
    const int number = planned.number;
    const auto effects = effects_.contains(number) ? effects_[number] : 0;
    const auto letters = letters_.contains(number) ? letters_[number].size() : 0;
    const bool has_output = outputs_.contains(number);
    if (effects > 1) broken("event {}: its effect was taken {} times", number, effects);
    if (planned.behaviour == Behaviour::never) {
      if (letters != 1) broken("event {} can never work and left {} dead letters", number, letters);
      if (effects > 0 || has_output) broken("event {} is dead and has an effect", number);
      return;
    }
    if (letters > 0) broken("event {} is a dead letter and could have been done", number);
    if (!has_output) broken("event {} has no output: it is missing", number);
    if (planned.behaviour == Behaviour::row && effects == 0) broken("event {} has no row: it is missing", number);
    if (planned.behaviour != Behaviour::effect) return;
    const auto row = of_.ledger.find(number);
    const std::string state = row == of_.ledger.end() ? "nowhere" : row->second;
    if (state != "sent" && state != "unknown") broken("event {}: its effect is {}", number, state);
    if (state == "sent" && effects == 0) broken("event {}: its effect is sent and nobody has taken it", number);
  }

  static std::vector<int> first_ones(const std::vector<int>& events) {
    std::set<int> seen;
    std::vector<int> first;
    for (const int number : events) {
      if (seen.insert(number).second) first.push_back(number);
    }
    return first;
  }

  void effects_are_in_order(const std::vector<int>& events, const char* what) {
    std::map<int, int> last;  // by conversation
    for (const int number : events) {
      const auto place = conversation_.find(number);
      if (place == conversation_.end()) continue;
      const auto before = last.find(place->second);
      if (before != last.end() && before->second > number)
        broken("conversation {}: the {} of event {} came before that of {}", place->second, what, before->second,
               number);
      last.insert_or_assign(place->second, number);
    }
  }

  // Whoever stood still longer than the group waits learns a moment after it goes on that its partitions are gone: what
  // it runs until then runs beside its successor, and must be without effect, which the other oracles look at.
  [[nodiscard]] bool may_be_stale(const Ran& run) const {
    constexpr std::chrono::seconds learns_within{3};
    const auto& frozen = of_.lives[run.life].frozen;
    return std::ranges::any_of(frozen, [&](const auto& still) {
      return (!run.end || *run.end > still.first) && run.begin < still.second + learns_within;
    });
  }

  void runs_do_not_overlap() {
    std::vector<std::vector<const Ran*>> by_conversation(static_cast<std::size_t>(conversations_));
    for (const auto& run : of_.runs) {
      const auto place = conversation_.find(run.number);
      if (place == conversation_.end() || run.is_orphan || may_be_stale(run)) continue;
      by_conversation[static_cast<std::size_t>(place->second)].push_back(&run);
    }
    for (auto& runs : by_conversation) {
      std::ranges::sort(runs, {}, &Ran::begin);
      for (std::size_t i = 1; i < runs.size(); ++i) must_follow(*runs[i - 1], *runs[i]);
    }
  }

  void must_follow(const Ran& before, const Ran& run) {
    const auto over = before.end ? before.end : of_.lives[before.life].over;
    if (!over || *over <= run.begin) return;
    broken("events {} of worker {} and {} of worker {} ran at once, for {} us", before.number, before.life, run.number,
           run.life, std::chrono::duration_cast<std::chrono::microseconds>(*over - run.begin).count());
  }

  void commits_are_the_end() {
    for (const auto& lag : of_.lags)
      broken("{}/{} ends at {} and is committed up to {}", lag.topic, lag.number, lag.end, lag.committed);
  }

  const Evidence& of_;
  std::size_t sentences_max_;
  std::map<int, int> conversation_;  // of each event
  int conversations_ = 0;
  std::map<int, int> effects_;  // how many, by event
  std::map<int, int> outputs_;
  std::map<int, std::set<std::string>> letters_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_oracles(const Evidence& evidence, std::size_t sentences_max) {
  return Oracles{evidence, sentences_max}.look();
}

}  // namespace sluice::storm
