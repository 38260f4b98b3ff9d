#include "workers/engine/dead_rate.hpp"

namespace sluice::engine {

std::int64_t DeadRate::number_of(Instant now) const {
  return now.time_since_epoch() / (Duration{settings_.window} / slices);
}

DeadRate::Slice& DeadRate::current(const std::string& tenant, Instant now) {
  if (tenants_.size() >= tenants_max && !tenants_.contains(tenant)) tenants_.clear();
  const std::int64_t number = number_of(now);
  auto& slice = tenants_[tenant][static_cast<std::size_t>(number % slices)];
  if (slice.number != number) slice = Slice{.number = number, .events = 0, .letters = {}};
  return slice;
}

void DeadRate::ended(const std::string& tenant, Instant now) {
  ++current(tenant, now).events;
}

bool DeadRate::trips(const std::string& tenant, const std::string& fingerprint, Instant now) {
  auto& slice = current(tenant, now);
  std::uint32_t letters = 1;
  std::uint32_t events = 1;
  const auto oldest = slice.number - slices + 1;
  for (const auto& other : tenants_[tenant]) {
    if (other.number < oldest) continue;
    events += other.events;
    const auto known = other.letters.find(fingerprint);
    if (known != other.letters.end()) letters += known->second;
  }
  if (letters >= settings_.letters_min && letters > settings_.share_above * events) return true;
  ++slice.events;
  if (slice.letters.size() < fingerprints_max || slice.letters.contains(fingerprint)) ++slice.letters[fingerprint];
  return false;
}

void DeadRate::forget(const std::string& tenant) {
  tenants_.erase(tenant);
}

}  // namespace sluice::engine
