// An event as a record that somebody appends.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "common/event/event.hpp"
#include "common/event/partition.hpp"
#include "common/event/pools.hpp"
#include "common/log/log.hpp"

namespace sluice {

inline log::Outgoing event_record(const event::Event& event, const std::string& topic,
                                  std::int32_t partitions = event::partitions_per_topic) {
  auto encoded = event::encode(event).value();
  const auto partition = event::partition_of(encoded.key, partitions);
  return {.topic = topic,
          .partition = partition,
          .key = std::move(encoded.key),
          .value = std::move(encoded.value),
          .headers = std::move(encoded.headers)};
}

}  // namespace sluice
