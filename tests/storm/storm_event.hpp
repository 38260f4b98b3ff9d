// What the driver of a storm and its workers must agree on: an event says itself what its handler does with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/async/timer.hpp"
#include "common/db/dialect.hpp"
#include "common/event/event.hpp"
#include "common/log/record.hpp"

namespace sluice::storm {

constexpr std::string_view pool = "classify";

enum class Behaviour : std::uint8_t {
  row,     // a change writes its row
  effect,  // something outside, which nothing but the ledger keeps from being done twice
  never,   // a dead letter
};

struct Planned {
  int number = 0;  // in the order of appending
  int conversation = 0;
  Behaviour behaviour = Behaviour::row;
  std::uint32_t failures = 0;          // so many tries fail before
  std::chrono::milliseconds pause{};   // of the handler
  std::chrono::milliseconds parked{};  // what the other side asks to wait when the last try of the lane has failed
};

constexpr std::uint32_t failures_to_park = 3;

event::Event event_of(const Planned& planned);
Planned planned_of(const event::Event& event);
event::Event output_of(const event::Event& event);  // what its handler writes on to `send`

// Every effect in the order in which it was taken. Rows are guarded against being the second of their event; what the
// ledger lets out is not.
constexpr db::Sql effects_table =
    db::numbering<"CREATE TABLE storm_effects (place", ", event bigint NOT NULL, guarded bigint NOT NULL)">();
constexpr db::Sql effects_guard = "CREATE UNIQUE INDEX storm_guard ON storm_effects (event) WHERE guarded = 1";
constexpr db::Sql effects_index = "CREATE INDEX storm_events ON storm_effects (event)";
constexpr db::Sql insert_row =
    "INSERT INTO storm_effects (event, guarded) VALUES ($1, 1) ON CONFLICT (event) WHERE guarded = 1 DO NOTHING";
constexpr db::Sql insert_effect = "INSERT INTO storm_effects (event, guarded) VALUES ($1, 0)";
constexpr db::Sql find_effects = "SELECT count(*) FROM storm_effects WHERE event = $1";

// What a worker notes of each run, in a file of its own that outlives it (STORM_MARKS). Instants of all processes of a
// machine can be compared.
struct Mark {
  enum class What : std::int32_t { begins, ends };
  What what = What::begins;
  std::int32_t number = 0;
  std::int64_t at = 0;         // nanoseconds of Instant
  std::int32_t is_final = 0;   // it answered with the end of the event
  std::int32_t is_orphan = 0;  // at its end the partition was somebody else's
};

}  // namespace sluice::storm
