// Tenants share a partition's window of records in memory. One above its share goes through the retry partition, in
// order, so that those behind it are read.
#include "workers/engine/core.hpp"

namespace sluice::engine {

constexpr std::size_t tenants_known_max = 10'000;

void EngineCore::count_in(Pair& pair, const Queued& queued) {
  ++pair.records;
  pair.bytes += queued.bytes;
  ++figures.records;
  figures.bytes += queued.bytes;
  if (++pair.of_tenant[queued.event.tenant] == 1 && tenants.size() < tenants_known_max)
    tenants.insert(queued.event.tenant);
}

void EngineCore::count_out(Pair& pair, const Queued& queued) {
  --pair.records;
  pair.bytes -= queued.bytes;
  --figures.records;
  figures.bytes -= queued.bytes;
  const auto own = pair.of_tenant.find(queued.event.tenant);
  if (--own->second == 0) pair.of_tenant.erase(own);
}

// Only where there are others: alone a tenant may have the whole window, and nothing is gained by moving its records.
bool EngineCore::crowds(const Pair& pair, const event::Tenant& tenant) const {
  if (tenants.size() < 2) return false;
  const auto own = pair.of_tenant.find(tenant);
  if (own == pair.of_tenant.end()) return false;
  const double share = limits.tenant_share_max * static_cast<double>(limits.partition_records_max);
  return static_cast<double>(own->second) > share;
}

// Likewise a conversation of hundreds: where there are others, they need the window more.
bool EngineCore::is_too_long(const Pair& pair, const Lane& lane) const {
  return lane.queue.size() > limits.lane_records_max && pair.lanes.size() > 1;
}

void EngineCore::tell_too_long(const Pair& pair, const Lane& lane) {
  ++figures.long_lanes;
  parts.logger.warn("a conversation has more in memory than its bound and goes through retry",
                    {{"pool", spec.name},
                     {"tenant", lane.tenant.text()},
                     {"partition", pair.number},
                     {"records", lane.queue.size()},
                     {"allowed", limits.lane_records_max}});
}

// All of the lane, between two events: nothing that stands in retry may be overtaken by what ran before it in main.
void EngineCore::crowd_out(const PairPtr& pair, Lane& lane) {
  for (auto& queued : std::exchange(lane.queue, {})) move(pair, Move{std::move(queued), lane.id});
}

}  // namespace sluice::engine
