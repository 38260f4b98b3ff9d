#include "common/store/conversations.hpp"

#include <utility>
#include <vector>

#include "common/db/dialect.hpp"
#include "common/store/persons.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr db::Sql find_conversation_row =
    "SELECT key, person, in_charge, epoch, newest_turn, last_inbound_at FROM conversations WHERE tenant = $1 "
    "AND key = (SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2)";
constexpr db::Sql insert_conversation =
    "INSERT INTO conversations (tenant, key, person, in_charge, epoch, newest_turn, word_at, created_at) "
    "SELECT tenant, CAST($2 AS text), coalesce(merged_into, id), 'bot', 0, 0, 0, CAST($4 AS bigint) FROM persons "
    "WHERE tenant = $1 AND id = $3 ON CONFLICT (tenant, key) DO NOTHING";

// Said twice: what the first one waited for may just have given the conversation to another person, or united it.
constexpr auto lock_person_of = db::locking<
    "SELECT id FROM persons WHERE tenant = $1 AND id = (SELECT person FROM conversations WHERE tenant = $1 "
    "AND key = (SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2))">();

constexpr db::Sql insert_turn =
    "INSERT INTO conversation_turns (tenant, event, key, number, given_at) "
    "SELECT tenant, CAST($3 AS text), key, newest_turn + 1, CAST($4 AS bigint) FROM conversations WHERE tenant = $1 "
    "AND key = (SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2) "
    "ON CONFLICT (tenant, event) DO NOTHING";
constexpr db::Sql note_turn =
    "UPDATE conversations SET newest_turn = CASE WHEN given.number > newest_turn THEN given.number "
    "ELSE newest_turn END, last_inbound_at = CASE WHEN last_inbound_at > given.given_at THEN last_inbound_at "
    "ELSE given.given_at END FROM conversation_turns AS given WHERE conversations.tenant = $1 "
    "AND given.tenant = $1 AND given.event = $3 AND conversations.key = "
    "(SELECT coalesce(named.alias_of, named.key) FROM conversations AS named WHERE named.tenant = $1 "
    "AND named.key = $2) AND given.key = conversations.key";
constexpr db::Sql find_turn =
    "SELECT given.number, whole.newest_turn FROM conversation_turns AS given JOIN conversations AS whole "
    "ON whole.tenant = given.tenant WHERE given.tenant = $1 AND given.event = $3 AND whole.key = "
    "(SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2)";

// The epoch in a word's row is the one that it began; none when it changed nothing.
constexpr db::Sql keep_word =
    "INSERT INTO hand_overs (tenant, event, key, in_charge, why, at, recorded_at, epoch) "
    "SELECT tenant, CAST($3 AS text), key, CAST($4 AS text), CAST($5 AS text), CAST($6 AS bigint), "
    "CAST($7 AS bigint), CASE WHEN in_charge <> $4 AND word_at <= $6 THEN epoch + 1 END "
    "FROM conversations WHERE tenant = $1 "
    "AND key = (SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2) "
    "ON CONFLICT (tenant, event) DO NOTHING";
constexpr db::Sql begin_epoch =
    "UPDATE conversations SET in_charge = said.in_charge, epoch = said.epoch FROM hand_overs AS said "
    "WHERE conversations.tenant = $1 AND said.tenant = $1 AND said.event = $2 AND conversations.key = said.key "
    "AND said.epoch = conversations.epoch + 1";
constexpr db::Sql note_word =
    "UPDATE conversations SET word_at = said.at FROM hand_overs AS said WHERE conversations.tenant = $1 "
    "AND said.tenant = $1 AND said.event = $2 AND conversations.key = said.key AND said.at > conversations.word_at";

// Uniting: $1 the tenant, $2 the older key, $3 the younger one. All of it does nothing when they are one already.
constexpr db::Sql make_alias_row =
    "INSERT INTO conversations (tenant, key, person, in_charge, epoch, newest_turn, word_at, created_at) "
    "SELECT tenant, CAST($3 AS text), person, in_charge, epoch, newest_turn, word_at, CAST($4 AS bigint) "
    "FROM conversations WHERE tenant = $1 "
    "AND key = (SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2) "
    "ON CONFLICT (tenant, key) DO NOTHING";
constexpr db::Sql take_over =
    "UPDATE conversations SET newest_turn = CASE WHEN young.newest_turn > conversations.newest_turn "
    "THEN young.newest_turn ELSE conversations.newest_turn END, "
    "epoch = CASE WHEN young.epoch > conversations.epoch THEN young.epoch ELSE conversations.epoch END "
    "+ CASE WHEN young.in_charge <> conversations.in_charge THEN 1 ELSE 0 END, "
    "in_charge = CASE WHEN 'human' IN (young.in_charge, conversations.in_charge) THEN 'human' ELSE 'bot' END, "
    "word_at = CASE WHEN young.word_at > conversations.word_at THEN young.word_at ELSE conversations.word_at END, "
    "last_inbound_at = CASE WHEN conversations.last_inbound_at IS NULL "
    "OR young.last_inbound_at > conversations.last_inbound_at THEN young.last_inbound_at "
    "ELSE conversations.last_inbound_at END FROM conversations AS young WHERE conversations.tenant = $1 "
    "AND conversations.key = (SELECT coalesce(alias_of, key) FROM conversations WHERE tenant = $1 AND key = $2) "
    "AND young.tenant = $1 AND young.key = $3 AND young.alias_of IS NULL AND young.key <> conversations.key";
constexpr auto leading_there = db::piece<
    "UPDATE conversations SET alias_of = (SELECT coalesce(old.alias_of, old.key) FROM conversations AS old "
    "WHERE old.tenant = $1 AND old.key = $2) WHERE tenant = $1 AND key <> (SELECT coalesce(old.alias_of, old.key) "
    "FROM conversations AS old WHERE old.tenant = $1 AND old.key = $2) AND ">;
constexpr auto lead_there = db::joined<leading_there, "key = $3">();
constexpr auto lead_all_there = db::joined<leading_there, "alias_of = $3">();

constexpr auto remove_turns = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, event FROM conversation_turns "
    "WHERE given_at < $1 ORDER BY given_at LIMIT $2",
    ") DELETE FROM conversation_turns WHERE (tenant, event) IN (SELECT tenant, event FROM taken)">();
constexpr auto remove_hand_overs = db::claiming<
    "WITH taken AS MATERIALIZED (SELECT tenant, event FROM hand_overs "
    "WHERE recorded_at < $1 ORDER BY recorded_at LIMIT $2",
    ") DELETE FROM hand_overs WHERE (tenant, event) IN (SELECT tenant, event FROM taken)">();

Conversation conversation_of(const db::Rows& rows) {
  return {.key = rows.text(0, 0),
          .person = rows.text(0, 1),
          .in_charge = rows.text(0, 2) == name_of(InCharge::human) ? InCharge::human : InCharge::bot,
          .epoch = rows.integer(0, 3),
          .newest_turn = rows.integer(0, 4),
          .last_inbound_at = moment_or_none(rows, 0, 5)};
}

db::Statement finding(const event::ConversationKey& key) {
  return {find_conversation_row, {key.tenant().text(), key.text()}};
}

// Runs a batch whose last statement finds the conversation.
Task<Result<Conversation>> run_and_find(db::Database& database, db::Batch batch) {
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  if (answers->back().empty()) co_return fail(Kind::not_found, "this tenant has no such conversation");
  co_return conversation_of(answers->back());
}

}  // namespace

std::string_view name_of(InCharge who) {
  return who == InCharge::human ? "human" : "bot";
}

Task<Result<std::optional<Conversation>>> find_conversation(db::Database& database, event::ConversationKey key) {
  auto reading = database.read(finding(key));
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return conversation_of(*rows);
}

Task<Result<Conversation>> find_or_make_conversation(db::Database& database, event::ConversationKey key,
                                                     event::PersonId person, WallTime now) {
  const auto tenant = key.tenant();
  db::Batch batch;
  batch.statements = lock_person(tenant, person);
  batch.statements.push_back({insert_conversation, {tenant.text(), key.text(), person.text(), stored(now)}});
  batch.statements.push_back(finding(key));
  return run_and_find(database, std::move(batch));
}

std::vector<db::Statement> lock_conversation(const event::ConversationKey& key) {
  const std::vector<db::Value> values{key.tenant().text(), key.text()};
  return {{lock_person_of, values}, {lock_person_of, values}};
}

Task<Result<Turn>> give_turn(db::Database& database, event::ConversationKey key, event::EventId event, WallTime at) {
  const auto tenant = key.tenant().text();
  db::Batch batch;
  batch.statements = lock_conversation(key);
  batch.statements.push_back({insert_turn, {tenant, key.text(), event.text(), stored(at)}});
  batch.statements.push_back({note_turn, {tenant, key.text(), event.text()}});
  batch.statements.push_back({find_turn, {tenant, key.text(), event.text()}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  const auto& found = answers->back();
  if (found.empty()) co_return fail(Kind::not_found, "this tenant has no such conversation");
  co_return Turn{found.integer(0, 0), found.integer(0, 1)};
}

db::Batch hand_over_batch(const HandOver& hand_over, WallTime now) {
  const auto tenant = hand_over.key.tenant().text();
  const auto event = hand_over.event.text();
  db::Batch batch;
  batch.statements = lock_conversation(hand_over.key);
  batch.statements.push_back({keep_word,
                              {tenant, hand_over.key.text(), event, std::string{name_of(hand_over.to)}, hand_over.why,
                               stored(hand_over.at), stored(now)}});
  batch.statements.push_back({begin_epoch, {tenant, event}});
  batch.statements.push_back({note_word, {tenant, event}});
  return batch;
}

Task<Result<Conversation>> hand_over(db::Database& database, HandOver hand_over, WallTime now) {
  auto batch = hand_over_batch(hand_over, now);
  batch.statements.push_back(finding(hand_over.key));
  return run_and_find(database, std::move(batch));
}

Task<Result<Conversation>> unite_conversations(db::Database& database, event::ConversationKey older,
                                               event::ConversationKey younger, WallTime now) {
  const auto tenant = older.tenant().text();
  const std::vector<db::Value> three{tenant, older.text(), younger.text()};
  db::Batch batch;
  batch.statements = lock_conversation(older);
  for (auto& statement : lock_conversation(younger)) batch.statements.push_back(std::move(statement));
  batch.statements.push_back({make_alias_row, {tenant, older.text(), younger.text(), stored(now)}});
  batch.statements.push_back({take_over, three});
  batch.statements.push_back({lead_there, three});
  batch.statements.push_back({lead_all_there, three});
  batch.statements.push_back(finding(younger));
  return run_and_find(database, std::move(batch));
}

Task<Result<std::int64_t>> forget_turns(db::Database& database, WallTime before, std::int64_t limit) {
  return remove(database, {remove_turns, {stored(before), limit}});
}

Task<Result<std::int64_t>> forget_hand_overs(db::Database& database, WallTime before, std::int64_t limit) {
  return remove(database, {remove_hand_overs, {stored(before), limit}});
}

}  // namespace sluice::store
