// Pauses: a tenant's events are parked in order without a try until the pause is over; when everybody is paused, lanes
// wait where they are.
#include "workers/engine/pausing.hpp"

#include <algorithm>

#include "common/async/deadline.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

std::size_t Pausing::count() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      now_.all(), [&](const store::Pause& pause) { return pause.pool.empty() || pause.pool == pool_; }));
}

void Pausing::overlay() {
  std::vector<store::Pause> all;
  for (const auto& pause : table_) {
    const bool overruled = pause.tenant && pause.pool == pool_ && unsaved_.contains(pause.tenant->text());
    if (!overruled) all.push_back(pause);
  }
  for (const auto& [tenant, pause] : unsaved_) {
    if (pause) all.push_back(*pause);
  }
  now_ = store::Pauses{std::move(all)};
}

std::vector<std::string> Pausing::loaded(store::Pauses pauses) {
  were_read_ = true;
  table_ = pauses.all();
  overlay();
  std::vector<std::string> over;
  for (const auto& [tenant, lanes] : asleep_) {
    const auto whose = event::Tenant::parse(tenant);
    if (!whose || find(*whose) == nullptr) over.push_back(tenant);
  }
  return over;
}

void Pausing::decided(const store::Pause& pause) {
  unsaved_[pause.tenant->text()] = pause;
  overlay();
}

void Pausing::lifted(const event::Tenant& tenant) {
  unsaved_[tenant.text()] = std::nullopt;
  overlay();
}

void Pausing::stored(const event::Tenant& tenant) {
  const auto known = unsaved_.find(tenant.text());
  if (known == unsaved_.end()) return;
  std::erase_if(table_, [&](const store::Pause& pause) { return pause.tenant == tenant && pause.pool == pool_; });
  if (known->second) table_.push_back(*known->second);
  unsaved_.erase(known);
  ++stores_;
  overlay();
}

std::vector<LaneId> Pausing::wake(const std::string& tenant) {
  const auto known = asleep_.find(tenant);
  if (known == asleep_.end()) return {};
  std::vector<LaneId> lanes{known->second.begin(), known->second.end()};
  asleep_.erase(known);
  return lanes;
}

bool Pausing::wake_one(LaneId lane) {
  return std::ranges::any_of(asleep_, [&](auto& of_tenant) { return of_tenant.second.erase(lane) > 0; });
}

std::vector<LaneId> Pausing::wake_one_of_each() {
  std::vector<LaneId> woken;
  for (auto& [tenant, lanes] : asleep_) {
    const auto whose = event::Tenant::parse(tenant);
    const auto* pause = whose ? find(*whose) : nullptr;
    if (pause == nullptr || pause->who != dead_rate_pauses || lanes.empty()) continue;
    const LaneId first = *lanes.begin();
    lanes.erase(first);
    probes_.insert(first);
    woken.push_back(first);
  }
  return woken;
}

void Pausing::forget(LaneId lane) {
  probes_.erase(lane);
  for (auto& [tenant, lanes] : asleep_) lanes.erase(lane);
}

// Reads the table when it is told of a change, and once a minute all the same.
Task<> EngineCore::keep_pauses() {
  std::uint64_t news = 0;
  Signal told;
  const auto listening = parts.database.listen(std::string{store::pauses_channel}, [&] {
    ++news;
    told.notify_all();
  });
  while (!stopping) {
    const std::uint64_t before = news;
    const std::uint64_t stores_before = pausing.stores();
    auto pauses = co_await store::load_pauses(parts.database);
    if (pauses && pausing.stores() != stores_before) continue;  // it may not have seen what was stored meanwhile
    if (pauses) {
      for (const auto& tenant : pausing.loaded(std::move(*pauses))) wake_tenant(tenant);
      pauses_changed.notify_all();
    }
    if (news != before) continue;
    const Duration pause = pauses ? Duration{limits.pauses_look_max} : Duration{limits.storage_pause_max};
    [[maybe_unused]] const bool heard = co_await within(parts.clock, parts.clock.now() + pause, told.wait());
  }
}

// Nothing of a pair begins before it is known who waits.
Task<> EngineCore::await_pauses(PairPtr pair) {
  constexpr std::chrono::seconds look_again{1};  // a partition that leaves tells nobody here
  while (pair->admits() && !pausing.were_read()) {
    [[maybe_unused]] const bool heard =
        co_await within(parts.clock, parts.clock.now() + look_again, pauses_changed.wait());
  }
}

// Stored in the table, for other processes and the next life of this one, for as long as that is what is wanted.
Task<> EngineCore::store_pause(event::Tenant tenant, std::optional<store::Pause> pause) {
  auto batch = pause ? store::pause_batch(*pause) : store::resume_batch(tenant, spec.name);
  while (!pausing.is_stored(tenant)) {
    const bool still_wanted = (pausing.find(tenant) != nullptr) == pause.has_value();
    if (!still_wanted) co_return;
    auto done = co_await parts.database.run(batch);
    if (done) {
      pausing.stored(tenant);
      co_return;
    }
    co_await parts.clock.sleep_for(limits.storage_pause_max);
  }
}

void EngineCore::wake_tenant(const std::string& tenant) {
  for (const LaneId lane : pausing.wake(tenant)) {
    if (index.holds(lane) && !index.is_due(lane)) index.set_due(lane, parts.clock.now());
  }
  arm_parked();
}

void EngineCore::lift(const event::Tenant& tenant, std::string_view by) {
  const auto* pause = pausing.find(tenant);
  if (pause == nullptr || !pause->tenant || pause->pool != spec.name) return;
  parts.logger.info("a tenant goes on", {{"pool", spec.name}, {"tenant", tenant.text()}, {"by", by}});
  pausing.lifted(tenant);
  dead_rate.forget(tenant.text());
  work.start(store_pause(tenant, std::nullopt));
  wake_tenant(tenant.text());
  pauses_changed.notify_all();
}

// True: this event must not become a dead letter now. It is asked before the letter is written.
bool EngineCore::holds_letter(const event::Event& event, const Never& never) {
  if (never.error_class == crash_suspect) return false;  // tried again it would end the process again
  if (const auto* pause = pausing.find(event.tenant); pause != nullptr && pause->who == dead_rate_pauses) return true;
  const auto fingerprint = fingerprint_of(spec.name, class_of(never), never.code, never.why.sentence);
  if (!dead_rate.trips(event.tenant.text(), fingerprint, parts.clock.now())) return false;
  parts.logger.error("too many dead letters of one kind: the tenant is paused in this pool",
                     {{"pool", spec.name},
                      {"tenant", event.tenant.text()},
                      {"event", event.id.text()},
                      {"fingerprint", fingerprint},
                      {"class", class_of(never)},
                      {"code", never.code},
                      {"why", scrubbed(never.why.sentence)}});
  ++figures.breakers_tripped;
  const store::Pause pause{.tenant = event.tenant,
                           .pool = spec.name,
                           .reason = fmt::format("{} dead letters with fingerprint {}: {}",
                                                 limits.dead_rate.letters_min, fingerprint, said(never.why.sentence)),
                           .who = std::string{dead_rate_pauses},
                           .since = parts.clock.wall()};
  pausing.decided(pause);
  work.start(store_pause(event.tenant, pause));
  probe_timer.arm(parts.clock.now() + limits.dead_rate.probe_pause);
  return true;
}

// One parked conversation of every tenant that the breaker paused tries its head.
void EngineCore::probe_tenants() {
  for (const LaneId lane : pausing.wake_one_of_each()) {
    if (index.holds(lane) && !index.is_due(lane)) index.set_due(lane, parts.clock.now());
  }
  arm_parked();
  if (pausing.count() > 0) probe_timer.arm(parts.clock.now() + limits.dead_rate.probe_pause);
}

// What came to an end without a letter proves that the tenant's events work again.
void EngineCore::ended_well(const event::Event& event) {
  dead_rate.ended(event.tenant.text(), parts.clock.now());
  if (pausing.count() == 0) return;
  const auto* pause = pausing.find(event.tenant);
  if (pause != nullptr && pause->who == dead_rate_pauses) lift(event.tenant, "success");
}

// False: its tenant is paused, the conversation is parked or asleep. When everybody is paused, it waits here.
Task<bool> EngineCore::passes_pauses(PairPtr pair, Lane& lane) {
  while (pair->admits()) {
    const auto* pause = pausing.find(lane.tenant);
    if (pause == nullptr) co_return true;
    if (pause->tenant) {
      constexpr std::chrono::milliseconds soon{1};
      park(pair, lane, "paused: " + pause->reason, soon);
      co_return false;
    }
    constexpr std::chrono::seconds look_again{1};  // a partition that leaves tells nobody here
    [[maybe_unused]] const bool heard =
        co_await within(parts.clock, parts.clock.now() + look_again, pauses_changed.wait());
  }
  co_return false;
}

bool EngineCore::must_sleep(LaneId lane, const event::Tenant& tenant) {
  return !pausing.take_probe(lane) && pausing.find(tenant) != nullptr;
}

// The row says since when: no pause counts towards park_max, whatever becomes of this process. The head falls asleep
// when that is durable, on what is true by then.
Task<> EngineCore::put_to_sleep(PairPtr pair, Head head, event::Tenant tenant) {
  const LaneId lane = head.lane;
  head.paused_since = parts.clock.wall();
  const bool kept = co_await keep_row(pair, std::move(head));
  if (!kept) co_return;
  if (pausing.find(tenant) == nullptr) {
    index.set_due(lane, parts.clock.now());
    arm_parked();
    co_return;
  }
  pausing.sleep(tenant, lane);
  if (!probe_timer.armed()) probe_timer.arm(parts.clock.now() + limits.dead_rate.probe_pause);
}

}  // namespace sluice::engine
