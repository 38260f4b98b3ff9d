// Whether a person may be written to. STOP binds the person on every channel and sender of the tenant; START re-opens
// the channel on which it came. The words are evidence, kept for ever and once per event; the state is what the newest
// word says, by the time of the message and not by that of reading it.
//
// A word holds from the commit of its batch, which takes the person's lock: a gate that commits later sees it.
#pragma once

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
#include "common/event/ids.hpp"
#include "common/event/person.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

enum class ConsentState : std::uint8_t { unknown, granted, revoked };
std::string_view name_of(ConsentState state);

enum class Word : std::uint8_t { stop, start };
std::string_view name_of(Word word);

struct ConsentWord {
  event::Tenant tenant;
  event::EventId event;  // what it stands in: a repeated event changes nothing
  event::PersonId person;
  Word word;
  event::Channel channel;
  std::string sender;  // ours, to whom it was said; empty when nobody's
  std::string source;  // who understood it so: "word", "opt_out_type", "intent", "21610", "operator"
  std::string text;    // what was said
  WallTime at{};       // the message's time
};

// The batch locks the person, keeps the evidence and changes the state. A word older than the last one keeps only its
// evidence; of two of the same time STOP counts. The person must be there: the batch does nothing otherwise, and
// record_consent() answers not_found.
db::Batch consent_batch(const ConsentWord& word, WallTime now);
Task<Done> record_consent(db::Database& database, ConsentWord word, WallTime now);

struct Consent {
  event::Channel channel;
  ConsentState state = ConsentState::unknown;
  WallTime since{};         // the time of the word that made it so
  WallTime last_word_at{};  // of the newest word, which may have changed nothing

  bool operator==(const Consent&) const = default;
};

// The channels about which a word was said, in their order; the others are unknown.
Task<Result<std::vector<Consent>>> consents_of(db::Database& database, event::Tenant tenant, event::PersonId person);

// On one channel.
Task<Result<ConsentState>> consent_on(db::Database& database, event::Tenant tenant, event::PersonId person,
                                      event::Channel channel);

struct ConsentEvidence {
  std::string event;
  Word word;
  event::Channel channel;
  std::string sender;
  std::string source;
  std::string text;
  WallTime at{};
  WallTime recorded_at{};

  bool operator==(const ConsentEvidence&) const = default;
};
constexpr std::int64_t evidence_page_rows_max = 500;

// All that this person said under any of their ids, the oldest first, at most `rows_max`; the rest comes with `after`,
// the last one of the page before.
Task<Result<std::vector<ConsentEvidence>>> consent_evidence(db::Database& database, event::Tenant tenant,
                                                            event::PersonId person,
                                                            std::optional<ConsentEvidence> after = {},
                                                            std::int64_t rows_max = evidence_page_rows_max);

}  // namespace sluice::store
