#include "tests/simulation/plan.hpp"

#include <array>

#include <fmt/format.h>

#include "common/async/random.hpp"

namespace sluice::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::array names{
    std::string_view{"at_once"}, std::string_view{"with_output"}, std::string_view{"with_change"},
    std::string_view{"slow"},    std::string_view{"later"},       std::string_view{"throws"},
    std::string_view{"hangs"},   std::string_view{"never"},       std::string_view{"scheduled"},
    std::string_view{"model"},   std::string_view{"effect"},      std::string_view{"merges"},
    std::string_view{"covers"},  std::string_view{"suppressed"},  std::string_view{"unreadable"},
    std::string_view{"damaged"}, std::string_view{"kills"}};

struct Weight {
  Behaviour behaviour;
  std::uint64_t weight;
};
constexpr std::array<Weight, 16> mixture{{{Behaviour::at_once, 4},
                                          {Behaviour::with_output, 16},
                                          {Behaviour::with_change, 16},
                                          {Behaviour::slow, 10},
                                          {Behaviour::later, 12},
                                          {Behaviour::throws, 3},
                                          {Behaviour::hangs, 2},
                                          {Behaviour::never, 5},
                                          {Behaviour::scheduled, 8},
                                          {Behaviour::model, 12},
                                          {Behaviour::effect, 14},
                                          {Behaviour::merges, 4},
                                          {Behaviour::covers, 5},
                                          {Behaviour::suppressed, 3},
                                          {Behaviour::unreadable, 1},
                                          {Behaviour::damaged, 1}}};
// Of tenants whose neighbour is sick: how long their events take can be told.
constexpr std::array<Weight, 6> healthy{{{Behaviour::at_once, 4},
                                         {Behaviour::with_output, 5},
                                         {Behaviour::with_change, 5},
                                         {Behaviour::slow, 3},
                                         {Behaviour::model, 5},
                                         {Behaviour::scheduled, 2}}};
constexpr std::array<Weight, 3> sick{{{Behaviour::model, 8}, {Behaviour::with_output, 2}, {Behaviour::later, 1}}};

template <class Weights>
Behaviour drawn(const Weights& weights, Random& random) {
  std::uint64_t sum = 0;
  for (const auto& each : weights) sum += each.weight;
  auto left = random.below(sum);
  for (const auto& each : weights) {
    if (left < each.weight) return each.behaviour;
    left -= each.weight;
  }
  return weights[0].behaviour;
}

event::Event message(const std::string& name, int tenant, int conversation) {
  const auto whose = event::Tenant::parse(fmt::format("tenant{}", tenant)).value();
  const event::OurAddress ours{event::Address::parse("whatsapp:+31201234567").value()};
  const event::TheirAddress theirs{event::Address::parse(fmt::format("messenger:c{}", conversation)).value()};
  return event::root_event({.source = event::Source::twilio,
                            .account = "AC1",
                            .provider_id = event::message_id("SM" + name),
                            .kind = event::Known::message_received,
                            .key = event::InboundKey{whose, ours, theirs},
                            .time = event::Time{std::chrono::milliseconds{1'790'000'000'000}},
                            .data = event::Json::Object{{"name", name}}});
}

Duration sometimes(Random& random, Duration shortest) {
  return random.one_in(2) ? Duration{} : random.between(shortest, 8 * shortest);
}

engine::EngineLimits drawn_limits(Random& random, bool calm) {
  engine::EngineLimits limits;
  limits.handler_max = 10s;
  limits.schedule_look_max = 60s;
  limits.schedule_lease = 15s;
  limits.retry.ladder = {5s, 15s, 40s, 90s};
  if (calm) return limits;
  if (random.one_in(3)) limits.running_max = 1 + random.below(4);
  if (random.one_in(3)) limits.partition_records_max = 3 + random.below(8);
  if (random.one_in(4)) limits.commit_completions = 1 + random.below(5);
  if (random.one_in(4)) limits.resumed_at_once_max = 1 + random.below(2);
  if (random.one_in(4)) limits.schedule_claims_max = 1;
  if (random.one_in(4)) limits.lane_records_max = 1 + random.below(4);
  if (random.one_in(5)) limits.map_share_max = 0.012 + 0.02 * random.unit();
  if (random.one_in(3)) {
    limits.dead_rate = {.letters_min = 2 + static_cast<std::uint32_t>(random.below(2)),
                        .share_above = 0.3 * random.unit(),
                        .window = 300s,
                        .probe_pause = 5s};
  }
  return limits;
}

unsigned drawn_share(Random& random) {
  return random.one_in(2) ? 0 : static_cast<unsigned>(random.below(60));
}

void draw_faults(Plan& plan, Random& random) {
  plan.log_faults = log::FaultRates::drawn(random);
  plan.log_faults.freeze_max = 60s;
  plan.database_faults = {.unavailable = drawn_share(random),
                          .overloaded = drawn_share(random),
                          .timed_out = drawn_share(random),
                          .exhausted = drawn_share(random),
                          .maybe_done = drawn_share(random),
                          .delay_max = random.between(1ms, random.one_in(4) ? 500ms : 20ms)};
  plan.crash_every = sometimes(random, 4s);
  plan.stop_every = sometimes(random, 6s);
  plan.wall_jump_every = random.one_in(3) ? random.between(10s, 40s) : Duration{};
  plan.cut_every = sometimes(random, 6s);
  plan.break_every = random.one_in(3) ? random.between(5s, 30s) : Duration{};
  plan.provider_refuses = random.one_in(2) ? 0.2 * random.unit() : 0;
  plan.provider_loses_answer = random.one_in(2) ? 0.4 * random.unit() : 0;
  plan.provider_lag_max = random.one_in(2) ? Duration{} : random.between(1s, 20s);
  plan.eager_group = random.one_in(2);
}

void draw_illnesses(Plan& plan, Random& random) {
  const auto drawn_kind = [&] { return static_cast<Sickness>(random.below(3)); };
  if (plan.calm) {
    plan.illnesses.push_back({0, drawn_kind(), Duration{}, Plan::disturbed_time});
    return;
  }
  for (auto count = random.below(4); count > 0; --count) {
    const auto from = random.between(0s, Plan::writing_time);
    const auto whose = static_cast<int>(random.below(static_cast<std::uint64_t>(plan.tenants) + 1));
    plan.illnesses.push_back({whose == plan.tenants ? std::nullopt : std::optional{whose}, drawn_kind(), from,
                              from + random.between(1s, 30s)});
  }
}

Behaviour drawn_behaviour(const Plan& plan, int tenant, Random& random) {
  if (!plan.calm) return drawn(mixture, random);
  return tenant == 0 ? drawn(sick, random) : drawn(healthy, random);
}

void draw_events(Plan& plan, Random& random) {
  plan.conversation.resize(static_cast<std::size_t>(plan.conversations));
  const auto count = 20 + random.below(60);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto conversation = static_cast<int>(random.below(static_cast<std::uint64_t>(plan.conversations)));
    auto& its = plan.conversation[static_cast<std::size_t>(conversation)];
    const int tenant = conversation % plan.tenants;
    const std::string name = fmt::format("t{}.c{}.{}", tenant, conversation, its.size());
    PlannedEvent planned{.event = message(name, tenant, conversation), .name = name};
    planned.tenant = tenant;
    planned.conversation = conversation;
    planned.behaviour = drawn_behaviour(plan, tenant, random);
    planned.times = 1 + static_cast<std::uint32_t>(random.below(6));
    if (planned.behaviour == Behaviour::hangs) planned.times = 1 + planned.times % 2;
    planned.pause = random.between(1ms, random.one_in(3) ? 5s : 300ms);
    if (planned.behaviour == Behaviour::scheduled) planned.pause = random.between(0s, random.one_in(3) ? 40s : 2s);
    if (random.one_in(4)) planned.asked_wait = random.between(1s, 20s);
    its.push_back(static_cast<int>(plan.events.size()));
    plan.events.push_back(std::move(planned));
  }
  if (plan.calm || !random.one_in(6)) return;
  auto& killer = plan.events[random.below(plan.events.size())];
  killer.behaviour = Behaviour::kills;
  killer.times = random.one_in(3) ? 1 + static_cast<std::uint32_t>(random.below(2)) : PlannedEvent::always;
}

}  // namespace

std::string_view name_of(Behaviour behaviour) {
  return names[static_cast<std::size_t>(behaviour)];
}

bool PlannedEvent::can_never_work() const {
  return behaviour == Behaviour::never || behaviour == Behaviour::unreadable || behaviour == Behaviour::damaged ||
         (behaviour == Behaviour::kills && times == always);
}

Plan::Plan(std::uint64_t its_seed) : seed(its_seed), atomic(its_seed % 2 == 0) {
  constexpr std::uint64_t salt = 0x5e1dc0de;  // the plan and what happens later draw from different sequences
  SeededRandom random{seed ^ salt};
  calm = random.one_in(10);
  partitions = 1 + static_cast<std::int32_t>(random.below(4));
  constexpr std::array processes_of{1, 1, 2, 2, 2, 2, 3};
  processes = calm ? 1 : processes_of[random.below(processes_of.size())];
  tenants = calm ? 3 : 1 + static_cast<int>(random.below(4));
  conversations = 5 + static_cast<int>(random.below(16));
  limits = drawn_limits(random, calm);
  if (calm) {
    stop_every = sometimes(random, 6s);
    log_faults.usual_max = random.between(log_faults.usual_min, 20ms);
    database_faults.delay_max = random.between(1ms, 20ms);
  } else {
    draw_faults(*this, random);
    wake_every = sometimes(random, 2s);
    if (random.one_in(3)) followers = engine::Followers::hold;
  }
  draw_illnesses(*this, random);
  draw_events(*this, random);
}

}  // namespace sluice::simulation
