#include "tests/workers/support/idempotence.hpp"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/store/migrations.hpp"
#include "workers/engine/dependency.hpp"

namespace sluice::engine {
namespace {

constexpr std::uint64_t seed = 1;  // each way meets the same chance
constexpr int tries_max = 20;
constexpr log::Epoch current_epoch = 7, stale_epoch = 6;

class KitAttempt final : public Attempt {
 public:
  KitAttempt(KitWorld& world, bool current, std::uint32_t tries) : world_(world), current_(current), tries_(tries) {}

  [[nodiscard]] std::uint32_t tries_before() const override { return tries_; }
  [[nodiscard]] std::vector<const event::Event*> behind() const override { return {}; }
  Task<> another_arrives() override { co_await world_.clock.sleep_for(std::chrono::hours{1}); }
  [[nodiscard]] bool woken() const override { return false; }
  [[nodiscard]] bool assignment_is_current() const override { return current_; }
  [[nodiscard]] log::Epoch epoch() const override { return current_ ? current_epoch : stale_epoch; }
  [[nodiscard]] std::string_view owner() const override { return current_ ? "current" : "stale"; }
  [[nodiscard]] Instant deadline() const override { return Instant::max(); }
  Task<Result<Pass>> enter(std::string_view /*dependency*/) override { co_return Pass{nullptr, Instant::max()}; }
  [[nodiscard]] Clock& clock() override { return world_.clock; }
  [[nodiscard]] Random& random() override { return world_.random; }

 private:
  KitWorld& world_;
  bool current_;
  std::uint32_t tries_;
};

std::string text_of(const db::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<db::Blob>(&value)) return blob->bytes;
  return "null";
}

struct Delivery {
  std::size_t event = 0;
  bool stale = false;
};

// One world, in which a lane is delivered in some way.
class Run {
 public:
  explicit Run(const IdempotenceKit& kit) : kit_(kit) {
    ENSURE(world_.run(store::migrate(world_.database, world_.clock)).has_value(), "the schema can be made");
    db::Batch schema{.statements = kit.schema};
    ENSURE(world_.disk.run_now(schema).has_value(), "the pool's own tables can be made");
    subject_ = kit.make(world_);
  }

  void deliver(const Delivery& delivery) {
    const event::Event& event = kit_.lane[delivery.event];
    if (subject_.handler->reads_ahead()) {
      const auto read = world_.run(subject_.handler->when_read(event));
      if (!read) note("when_read fails: " + read.error().sentence);
    }
    for (std::uint32_t tries = 0; tries < tries_max; ++tries) {
      KitAttempt attempt{world_, !delivery.stale, tries};
      Outcome outcome = world_.run(subject_.handler->handle(event, attempt));
      if (delivery.stale) return;  // of an orphan nothing is made durable but what it wrote itself
      const bool again = std::holds_alternative<Later>(outcome) || std::holds_alternative<Waiting>(outcome);
      if (!again && settle(event, outcome)) return;
    }
    note("is never done");
  }

  [[nodiscard]] std::map<std::string, std::string> left_behind() {
    auto left = outputs_;
    for (std::size_t n = 0; n < kit_.tables.size(); ++n) {
      const auto rows = world_.disk.read_now({kit_.tables[n], {}});
      ENSURE(rows.has_value(), "a table that is to be compared can be read");
      std::string& text = left[fmt::format("the rows of \"{}\"", kit_.tables[n].for_sqlite())];
      for (const auto& row : rows->rows) {
        for (const auto& value : row) text += text_of(value) + "|";
        text += "\n";
      }
    }
    if (subject_.effects) {
      auto effects = subject_.effects();
      std::sort(effects.begin(), effects.end());
      std::string& text = left["what was done outside"];
      for (const auto& effect : effects) text += effect + "\n";
    }
    for (const auto& [what, text] : notes_) left[what] = text;
    return left;
  }

 private:
  void note(const std::string& what) { notes_.insert_or_assign("a note", what); }

  // False: overtaken, the handler runs again.
  bool settle(const event::Event& event, const Outcome& outcome) {
    if (const auto* done = std::get_if<Done>(&outcome)) return make_durable(done->outputs, done->changes);
    if (const auto* suppressed = std::get_if<Suppressed>(&outcome))
      return make_durable(suppressed->outputs, suppressed->changes);
    if (const auto* never = std::get_if<Never>(&outcome)) {
      outputs_["a dead letter of " + event.id.text()] = never->why.sentence;
      return make_durable(never->outputs, {});
    }
    if (const auto* at = std::get_if<At>(&outcome))
      outputs_["the schedule of " + event.id.text()] = std::to_string(at->when.time_since_epoch().count());
    return true;
  }

  bool make_durable(const std::vector<Output>& outputs, const db::Batch& changes) {
    for (const auto& output : outputs) {
      const auto encoded = event::encode(output.event);
      ENSURE(encoded.has_value(), "a handler's output can be written");
      std::string text = fmt::format("{} {} {}", output.to, encoded->key, encoded->value);
      const auto [place, is_new] = outputs_.try_emplace("the output " + output.event.id.text(), text);
      if (!is_new && place->second != text) note("one id stands for two outputs: " + place->second + " and " + text);
    }
    if (changes.statements.empty()) return true;
    const auto ran = world_.disk.run_now(changes);
    ENSURE(ran || ran.error().kind == Kind::conflict, "changes can be made or are overtaken");
    return ran.has_value();
  }

  const IdempotenceKit& kit_;
  KitWorld world_;
  Subject subject_;
  std::map<std::string, std::string> outputs_;
  std::map<std::string, std::string> notes_;
};

std::map<std::string, std::string> left_by(const IdempotenceKit& kit, const std::vector<Delivery>& deliveries) {
  Run run{kit};
  for (const auto& delivery : deliveries) run.deliver(delivery);
  return run.left_behind();
}

std::string difference(const std::map<std::string, std::string>& once, const std::map<std::string, std::string>& now) {
  for (const auto& [what, text] : now) {
    const auto before = once.find(what);
    if (before == once.end()) return fmt::format("{} is there too: {}", what, text);
    if (before->second != text) return fmt::format("{} is {} and not {}", what, text, before->second);
  }
  for (const auto& [what, text] : once) {
    if (!now.contains(what)) return fmt::format("{} is missing", what);
  }
  return {};
}

}  // namespace

KitWorld::KitWorld() : SimulatedWorld(seed), database(disk, loop, clock, random, {.delay_max = {}}) {}

std::vector<std::string> IdempotenceKit::findings() const {
  ENSURE(make && !lane.empty(), "there is a pool and something to deliver");
  std::vector<Delivery> plain;
  for (std::size_t n = 0; n < lane.size(); ++n) plain.push_back({n});
  const auto once = left_by(*this, plain);
  std::vector<std::string> found;
  const auto try_with = [&](std::size_t event, bool stale, std::size_t before) {
    auto deliveries = plain;
    deliveries.insert(deliveries.begin() + static_cast<std::ptrdiff_t>(before), {event, stale});
    const std::string differs = difference(once, left_by(*this, deliveries));
    if (differs.empty()) return;
    found.push_back(fmt::format("event {} {} after {} of {} events: {}", event + 1,
                                stale ? "from a stale epoch" : "again", before, lane.size(), differs));
  };
  for (std::size_t event = 0; event < lane.size(); ++event) {
    for (std::size_t before = event + 1; before <= lane.size(); ++before) try_with(event, false, before);
    for (std::size_t before = event; before <= lane.size(); ++before) try_with(event, true, before);
  }
  return found;
}

}  // namespace sluice::engine
