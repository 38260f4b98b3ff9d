// One conversation that has something in memory: its events in order, and what its coroutine is doing.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/async/signal.hpp"
#include "common/async/timer.hpp"
#include "common/event/event.hpp"
#include "common/log/record.hpp"
#include "workers/engine/parked_index.hpp"

namespace sluice::engine {

// An event of the main partition that has not been finished.
struct Queued {
  log::Offset offset = 0;
  event::Event event;
  std::size_t bytes = 0;
};

struct Lane {
  Lane(LaneId its_id, event::Tenant its_tenant) : id(its_id), tenant(std::move(its_tenant)) {}

  const LaneId id;
  const event::Tenant tenant;
  std::deque<Queued> queue;          // the front is the head; it may be running
  bool alive = false;                // its coroutine runs
  bool woken = false;                // somebody woke it since the last run
  bool told_waiting = false;         // the journal knows that the head waits
  std::uint32_t tries = 0;           // of the head, that counted
  std::optional<Instant> first_try;  // of the head
  Signal changed;                    // another event came, or it was woken
};

inline ShortId short_id(const event::EventId& id) {
  ShortId first = 0;
  for (std::size_t i = 0; i < sizeof first; ++i) first = (first << 8U) | id.bytes()[i];
  return first;
}

LaneId lane_of(const event::EventKey& key);

}  // namespace sluice::engine
