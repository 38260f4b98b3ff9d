// The effect ledger: what this program does to the world outside and must not do twice. One row per effect, known by a
// deterministic id, and every step of it a compare-and-set whose loser changes nothing.
//
//   planned ──begin_attempt──► attempting ──► sent
//      ▲  ▲                      │  │  │
//      │  └──── back_to_planned ─┘  │  └──► unknown ──► sent, when it is looked up or called back (effect_lookups.hpp)
//      └─────── replay_effect ── rejected ◄─┘
//
// `attempting` is durable before the first byte goes out, so what is not attempting was not sent. `sent` is true for
// ever: nothing weaker overwrites it, and it overwrites everything (effect_settling.hpp).
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
#include "common/event/address.hpp"
#include "common/event/conversation.hpp"
#include "common/event/ids.hpp"
#include "common/event/person.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

using EffectId = event::HexId<struct EffectTag>;

// `index` counts the effects that a pool makes of one event: of a message with files, one for each.
EffectId effect_id(const event::Tenant& tenant, const event::EventId& event, std::string_view pool,
                   std::uint32_t index = 0);

enum class EffectState : std::uint8_t { planned, attempting, sent, rejected, unknown };
std::string_view name_of(EffectState state);

struct EffectPlan {
  event::Tenant tenant;
  EffectId id;
  std::string pool;
  event::EventId event;
  std::string kind;               // "reply", "agent", "service", "marketing", "crm.message": for look-ups and people
  std::string conversation = {};  // its key, when there is one
  std::string person = {};        // their id, when there is one
  std::string request = {};       // what is to be done, JSON; what a look-up compares with
  std::optional<EffectId> resend_of = {};  // of one effect there is at most one resend: another one is a conflict
};

// An effect that is there already stays as it is.
db::Statement plan_effect(const EffectPlan& plan, WallTime now);

struct Effect {
  std::string tenant;
  EffectId id;
  std::string pool;
  std::string event;
  std::string kind;
  std::string conversation;
  std::string person;
  std::string request;
  EffectState state = EffectState::planned;
  std::int64_t generation = 0;  // raised by an operator's replay
  std::int64_t attempt = 0;     // within the generation
  std::string owner;            // of the last attempt, as are the next four
  std::int64_t epoch = 0;       // of the owner's assignment
  std::optional<WallTime> began_at;
  std::optional<WallTime> deadline_at;
  Instant boot{};                      // the owner's Clock::boot() when it began
  std::string sid;                     // what the other side calls it; empty as long as it is unknown
  std::string gate;                    // what the gate said last; empty before
  std::string code;                    // of the last failure, the other side's
  std::string detail;                  // of the last failure, for a person
  std::int64_t lookups = 0;            // made while unknown
  std::optional<WallTime> lookup_due;  // the next one; none when all were made
};
Task<Result<std::optional<Effect>>> find_effect(db::Database& database, event::Tenant tenant, EffectId id);
Task<Result<std::optional<Effect>>> find_effect_by_sid(db::Database& database, event::Tenant tenant, std::string pool,
                                                       std::string sid);

// Who tries, and which try it is: what every later step of it carries.
struct Attempting {
  event::Tenant tenant;
  EffectId effect;
  std::int64_t generation = 0;
  std::int64_t attempt = 0;
  std::string owner;
  std::int64_t epoch = 0;
  WallTime deadline{};  // of the call: afterwards plus `overdue_after` it is unknown to everybody
  Instant began{};      // Clock::boot(), read before begin_attempt()
};

// Directly before the first byte: the machine may have slept since the row was written. When it is too old, set it back
// (back_to_planned).
constexpr std::chrono::seconds attempt_age_max{5};
[[nodiscard]] bool is_fresh(const Attempting& attempting, Instant boot_now);

// What must hold at the moment at which `attempting` commits. It is looked at under the person's lock, which STOP,
// START, take-overs and new turns take too: what of them committed before is seen, and nothing commits in between.
struct Gate {
  event::PersonId person;
  std::optional<event::Channel> channel = {};  // consent must not be revoked there; none: the permitted confirmation
  bool needs_grant = false;                    // consent must have been granted there
  std::optional<event::Address> ours = {};     // the window to this sender must not be closed
  std::optional<event::ConversationKey> conversation = {};
  std::optional<std::int64_t> epoch = {};  // of the conversation: the bot's drafts carry it
  std::optional<std::int64_t> turn = {};   // the conversation may have no newer one
};

enum class Verdict : std::uint8_t {
  open,         // `attempting` is durable: go on
  moved,        // the person was united with another one, or the conversation is another person's: look again
  stopped,      // consent is revoked
  not_granted,  // consent was needed and not given
  closed,       // the sender may not write to them until they write
  handed_over,  // another epoch
  superseded,   // a newer turn
  taken,        // it is not planned in this generation and attempt: somebody else has it, or it is settled
};
std::string_view name_of(Verdict verdict);

struct Begun {
  Verdict verdict = Verdict::taken;
  Effect effect;  // as it is now
};

// One batch: plans the effect when `plan` is given and it isn't there, locks the person, asks the gate, and either sets
// the effect to attempting or keeps the gate's word in its row. Called again after an answer that got lost
// (maybe_done), with the same Attempting, it answers open again when that was done. Effects of the CRM have no gate.
// Kind::not_found when there is neither effect nor plan.
Task<Result<Begun>> begin_attempt(db::Database& database, Attempting attempting, std::optional<Gate> gate, WallTime now,
                                  std::optional<EffectPlan> plan = {});

}  // namespace sluice::store
