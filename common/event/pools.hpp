// A pool has one name everywhere: folder, process, topic, consumer group, metric label, log field, dead letters.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::event {

// The worker pools in the order of a message's life. The ingress is no pool of workers: it writes what dedup reads.
constexpr std::array<std::string_view, 4> pools{"dedup", "classify", "crm", "send"};

struct PoolTopics {
  std::string main;   // what the pool reads: "<prefix>.<pool>", for dedup "<prefix>.inbound"
  std::string retry;  // its parked conversations: "<prefix>.<pool>.retry"
  std::string dead;   // its dead letters: "<prefix>.<pool>.dead"
};

PoolTopics topics_of(std::string_view prefix, std::string_view pool);
std::string main_topic_of(std::string_view prefix, std::string_view pool);
std::string group_of(std::string_view prefix, std::string_view pool);

constexpr int partitions_per_topic = 32;  // fixed for life: the start refuses another count

// How long a log that removes by age keeps records: of main and retry topics, in which the engine lets nothing wait so
// long, and of dead letters.
constexpr std::chrono::hours pool_retention{14 * 24};
constexpr std::chrono::hours dead_retention{90 * 24};

}  // namespace sluice::event
