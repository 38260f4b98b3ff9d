#include "common/store/consent.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "common/store/persons.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr std::array channels{event::Channel::sms, event::Channel::whatsapp, event::Channel::messenger,
                              event::Channel::rcs, event::Channel::other};

constexpr db::Sql keep_evidence =
    "INSERT INTO consent_evidence (tenant, event, person, word, channel, sender, source, text, at, recorded_at) "
    "SELECT tenant, CAST($3 AS text), id, CAST($4 AS text), CAST($5 AS text), CAST($6 AS text), CAST($7 AS text), "
    "CAST($8 AS text), CAST($9 AS bigint), CAST($10 AS bigint) FROM persons WHERE tenant = $1 AND id = $2 "
    "ON CONFLICT (tenant, event) DO NOTHING";

// What follows from the evidence that is kept, which is the first one of its event. $3 is the channel that is changed.
constexpr db::Sql revoke =
    "INSERT INTO consents (tenant, person, channel, state, since, last_word_at) "
    "SELECT said.tenant, coalesce(who.merged_into, who.id), CAST($3 AS text), 'revoked', said.at, said.at "
    "FROM consent_evidence AS said JOIN persons AS who ON who.tenant = said.tenant AND who.id = said.person "
    "WHERE said.tenant = $1 AND said.event = $2 AND said.word = 'stop' "
    "ON CONFLICT (tenant, person, channel) DO UPDATE SET state = 'revoked', last_word_at = excluded.last_word_at, "
    "since = CASE WHEN consents.state = 'revoked' THEN consents.since ELSE excluded.since END "
    "WHERE excluded.last_word_at >= consents.last_word_at";
constexpr db::Sql grant =
    "INSERT INTO consents (tenant, person, channel, state, since, last_word_at) "
    "SELECT said.tenant, coalesce(who.merged_into, who.id), said.channel, 'granted', said.at, said.at "
    "FROM consent_evidence AS said JOIN persons AS who ON who.tenant = said.tenant AND who.id = said.person "
    "WHERE said.tenant = $1 AND said.event = $2 AND said.word = 'start' "
    "ON CONFLICT (tenant, person, channel) DO UPDATE SET state = 'granted', last_word_at = excluded.last_word_at, "
    "since = CASE WHEN consents.state = 'granted' THEN consents.since ELSE excluded.since END "
    "WHERE excluded.last_word_at > consents.last_word_at";

constexpr db::Sql list_states =
    "SELECT channel, state, since, last_word_at FROM consents WHERE tenant = $1 AND person = "
    "(SELECT coalesce(merged_into, id) FROM persons WHERE tenant = $1 AND id = $2)";
constexpr db::Sql list_evidence =
    "SELECT event, word, channel, sender, source, text, at, recorded_at FROM consent_evidence "
    "WHERE tenant = $1 AND person IN (SELECT coalesce(merged_into, id) FROM persons WHERE tenant = $1 AND id = $2 "
    "UNION ALL SELECT id FROM persons WHERE tenant = $1 AND merged_into = "
    "(SELECT coalesce(merged_into, id) FROM persons WHERE tenant = $1 AND id = $2)) "
    "AND (at, event) > ($3, $4) ORDER BY at, event LIMIT $5";

Result<event::Channel> channel_of(const std::string& name) {
  const auto found = std::ranges::find_if(channels, [&](auto channel) { return event::name_of(channel) == name; });
  if (found == channels.end()) return fail(Kind::corrupt, "a row about consent has a channel that is none");
  return *found;
}

Result<ConsentEvidence> evidence_of(const db::Rows& rows, std::size_t row) {
  auto channel = channel_of(rows.text(row, 2));
  if (!channel) return fail(std::move(channel).error());
  return ConsentEvidence{.event = rows.text(row, 0),
                         .word = rows.text(row, 1) == name_of(Word::stop) ? Word::stop : Word::start,
                         .channel = *channel,
                         .sender = rows.text(row, 3),
                         .source = rows.text(row, 4),
                         .text = rows.text(row, 5),
                         .at = moment(rows, row, 6),
                         .recorded_at = moment(rows, row, 7)};
}

}  // namespace

std::string_view name_of(ConsentState state) {
  switch (state) {
    case ConsentState::unknown:
      return "unknown";
    case ConsentState::granted:
      return "granted";
    case ConsentState::revoked:
      return "revoked";
  }
  return "";
}

std::string_view name_of(Word word) {
  return word == Word::stop ? "stop" : "start";
}

db::Batch consent_batch(const ConsentWord& word, WallTime now) {
  const std::string channel{event::name_of(word.channel)};
  const std::string said{name_of(word.word)};
  db::Batch batch;
  batch.statements = lock_person(word.tenant, word.person);
  batch.statements.push_back({keep_evidence,
                              {word.tenant.text(), word.person.text(), word.event.text(), said, channel, word.sender,
                               word.source, word.text, stored(word.at), stored(now)}});
  if (word.word == Word::start) {
    batch.statements.push_back({grant, {word.tenant.text(), word.event.text()}});
    return batch;
  }
  for (const auto each : channels)
    batch.statements.push_back({revoke, {word.tenant.text(), word.event.text(), std::string{event::name_of(each)}}});
  return batch;
}

Task<Done> record_consent(db::Database& database, ConsentWord word, WallTime now) {
  auto running = database.run(consent_batch(word, now));
  auto ran = co_await std::move(running);
  if (!ran) co_return fail(std::move(ran).error());
  if (ran->front().empty()) co_return fail(Kind::not_found, "this tenant has no such person");
  co_return Done{};
}

Task<Result<std::vector<Consent>>> consents_of(db::Database& database, event::Tenant tenant, event::PersonId person) {
  auto reading = database.read({list_states, {tenant.text(), person.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<Consent> consents;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto channel = channel_of(rows->text(row, 0));
    if (!channel) co_return fail(std::move(channel).error());
    const auto state =
        rows->text(row, 1) == name_of(ConsentState::revoked) ? ConsentState::revoked : ConsentState::granted;
    consents.push_back({*channel, state, moment(*rows, row, 2), moment(*rows, row, 3)});
  }
  std::ranges::sort(consents, {}, &Consent::channel);
  co_return consents;
}

Task<Result<ConsentState>> consent_on(db::Database& database, event::Tenant tenant, event::PersonId person,
                                      event::Channel channel) {
  auto reading = consents_of(database, std::move(tenant), person);
  const auto consents = co_await std::move(reading);
  if (!consents) co_return fail(consents.error());
  const auto found = std::ranges::find(*consents, channel, &Consent::channel);
  co_return found == consents->end() ? ConsentState::unknown : found->state;
}

Task<Result<std::vector<ConsentEvidence>>> consent_evidence(db::Database& database, event::Tenant tenant,
                                                            event::PersonId person,
                                                            std::optional<ConsentEvidence> after,
                                                            std::int64_t rows_max) {
  const auto at = after ? stored(after->at) : std::numeric_limits<std::int64_t>::min();
  const auto event = after ? after->event : std::string{};
  auto reading = database.read({list_evidence, {tenant.text(), person.text(), at, event, rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<ConsentEvidence> evidence;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto one = evidence_of(*rows, row);
    if (!one) co_return fail(std::move(one).error());
    evidence.push_back(std::move(*one));
  }
  co_return evidence;
}

}  // namespace sluice::store
