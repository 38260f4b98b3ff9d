// Events whose time has not come. One row holds the whole record, byte for byte; when it is due, somebody claims it
// with a lease, appends the record to the pool's topic under its own event id, and marks it fired. A crash in between
// lets the lease run out and the record is appended again: the effect ledger makes that one effect.
//
//   pending ──claim_due──► claimed ──fired──► fired
//      │  ◄── lease over ──┘
//      └──cancel──► cancelled
//
// Of one conversation only the first open row, by (due, origin), can be claimed, so that its events fire in that order
// whoever fires them. Fired and cancelled rows stay until forget_ended_schedule(), without their bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/event.hpp"

namespace sluice::store {

// Told when a row was added, whose due time may be before every other one.
constexpr std::string_view schedule_channel = "schedule";

// Adds the row. One that is pending or cancelled stays as it is: a redelivery changes nothing. One that is claimed or
// fired becomes pending again under the new due time: the record that was appended came to be handled and must wait
// once more, and nothing else holds it.
db::Statement schedule_row(std::string pool, const event::Event& event, const event::Encoded& encoded, WallTime due);

struct ClaimedEvent {
  std::string tenant;
  std::string pool;
  std::string event;
  std::int64_t round = 0;  // how often the row was scheduled anew
  WallTime due{};
  event::Encoded record;
};

// The claimed rows of this pool whose lease is over by `now` are pending again; then up to `limit` due rows, at most
// one of a conversation, are claimed until now + lease. In the order of their due times. A claim is taken up by nobody
// else meanwhile. What was claimed by an answer that got lost comes again when its lease is over.
Task<Result<std::vector<ClaimedEvent>>> claim_due(db::Database& database, std::string pool, WallTime now,
                                                  std::string owner, std::chrono::milliseconds lease,
                                                  std::int64_t limit);

// To be run when the record is durable in its topic; also after the lease is over. A row that was scheduled anew since
// the claim is left alone.
db::Statement fired_row(const ClaimedEvent& claimed, WallTime now);
Task<Done> fired(db::Database& database, std::vector<ClaimedEvent> claimed, WallTime now);

// When claim_due() has something to do for this pool: the first due time, or the end of the first lease.
Task<Result<std::optional<WallTime>>> next_due(db::Database& database, std::string pool);

enum class Cancelled : std::uint8_t {
  now,       // it will not fire; also when it was cancelled before
  too_late,  // it is being fired, or was
  unknown,   // this tenant has no such row
};
Task<Result<Cancelled>> cancel_scheduled(db::Database& database, event::Tenant tenant, std::string pool,
                                         std::string event, WallTime now);

struct ScheduledEvent {
  std::string pool;
  std::string event;
  std::string key;  // of the conversation
  WallTime due{};
  bool claimed = false;

  bool operator==(const ScheduledEvent&) const = default;
};
constexpr std::int64_t scheduled_page_rows_max = 500;

// For people: the open rows of one tenant in the order of their due times, at most `rows_max`; the rest comes with
// `after`, the last one of the page before.
Task<Result<std::vector<ScheduledEvent>>> list_scheduled(db::Database& database, event::Tenant tenant,
                                                         std::optional<ScheduledEvent> after = {},
                                                         std::int64_t rows_max = scheduled_page_rows_max);

// Removes up to `limit` rows that were fired or cancelled before that moment, the oldest first, and answers how many.
Task<Result<std::int64_t>> forget_ended_schedule(db::Database& database, WallTime before, std::int64_t limit);

}  // namespace sluice::store
