#include "common/store/persons.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "common/db/dialect.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr db::Sql person_of_identity =
    "SELECT now.id, now.created_at FROM person_aliases AS alias JOIN persons AS named ON named.tenant = alias.tenant "
    "AND named.id = alias.person JOIN persons AS now ON now.tenant = named.tenant "
    "AND now.id = coalesce(named.merged_into, named.id) WHERE alias.tenant = $1 AND alias.identity = $2";
constexpr db::Sql person_now = "SELECT coalesce(merged_into, id) FROM persons WHERE tenant = $1 AND id = $2";
constexpr db::Sql identities =
    "SELECT identity FROM person_aliases WHERE tenant = $1 AND person = "
    "(SELECT coalesce(merged_into, id) FROM persons WHERE tenant = $1 AND id = $2)";

constexpr auto lock_named = db::locking<"SELECT id FROM persons WHERE tenant = $1 AND id = $2">();
// A statement of its own: what the first one waited for may just have united the person with another.
constexpr auto lock_united = db::locking<
    "SELECT id FROM persons WHERE tenant = $1 AND id = "
    "(SELECT merged_into FROM persons WHERE tenant = $1 AND id = $2)">();

constexpr db::Sql insert_person =
    "INSERT INTO persons (tenant, id, created_at) VALUES ($1, $2, $3) ON CONFLICT (tenant, id) DO NOTHING";
constexpr db::Sql insert_alias =
    "INSERT INTO person_aliases (tenant, identity, person, added_at) "
    "SELECT tenant, CAST($3 AS text), coalesce(merged_into, id), CAST($4 AS bigint) FROM persons "
    "WHERE tenant = $1 AND id = $2 ON CONFLICT (tenant, identity) DO NOTHING";

// Uniting: $1 the tenant, $2 who stays, $3 who goes. One at a time in a tenant: it is rare, and several at once would
// wait for each other in a ring. Rows that were united before are locked first, as everywhere: a lock on a person is
// taken before the lock on the one it leads to.
constexpr db::Sql unite_alone =
    "INSERT INTO unitings (tenant, number) VALUES ($1, 1) "
    "ON CONFLICT (tenant) DO UPDATE SET number = unitings.number + 1";
constexpr auto lock_their_united =
    db::locking<"SELECT id FROM persons WHERE tenant = $1 AND merged_into IN ($2, $3) ORDER BY merged_into, id">();
constexpr auto lock_both =
    db::locking<"SELECT id FROM persons WHERE tenant = $1 AND id IN ($2, $3) AND merged_into IS NULL ORDER BY id">();
constexpr db::Sql lead_there = "UPDATE persons SET merged_into = $2 WHERE tenant = $1 AND id = $3";
constexpr db::Sql lead_all_there = "UPDATE persons SET merged_into = $2 WHERE tenant = $1 AND merged_into = $3";
constexpr db::Sql move_aliases = "UPDATE person_aliases SET person = $2 WHERE tenant = $1 AND person = $3";
constexpr db::Sql move_conversations = "UPDATE conversations SET person = $2 WHERE tenant = $1 AND person = $3";
// Strictest wins: who was stopped under one address is stopped.
constexpr db::Sql join_consents =
    "INSERT INTO consents (tenant, person, channel, state, since, last_word_at) "
    "SELECT tenant, CAST($2 AS text), channel, state, since, last_word_at FROM consents "
    "WHERE tenant = $1 AND person = $3 ON CONFLICT (tenant, person, channel) DO UPDATE SET "
    "state = CASE WHEN 'revoked' IN (consents.state, excluded.state) THEN 'revoked' ELSE 'granted' END, "
    "since = CASE WHEN consents.state <> excluded.state AND excluded.state = 'revoked' THEN excluded.since "
    "WHEN consents.state <> excluded.state THEN consents.since "
    "WHEN excluded.since < consents.since THEN excluded.since ELSE consents.since END, "
    "last_word_at = CASE WHEN excluded.last_word_at > consents.last_word_at THEN excluded.last_word_at "
    "ELSE consents.last_word_at END";
constexpr db::Sql drop_consents = "DELETE FROM consents WHERE tenant = $1 AND person = $2";
constexpr db::Sql join_windows =
    "INSERT INTO windows (tenant, person, ours, last_inbound_at, closed_at) "
    "SELECT tenant, CAST($2 AS text), ours, last_inbound_at, closed_at FROM windows "
    "WHERE tenant = $1 AND person = $3 ON CONFLICT (tenant, person, ours) DO UPDATE SET "
    "last_inbound_at = CASE WHEN windows.last_inbound_at IS NULL OR excluded.last_inbound_at > windows.last_inbound_at "
    "THEN excluded.last_inbound_at ELSE windows.last_inbound_at END, "
    "closed_at = CASE WHEN windows.closed_at IS NULL OR excluded.closed_at > windows.closed_at "
    "THEN excluded.closed_at ELSE windows.closed_at END";
constexpr db::Sql drop_windows = "DELETE FROM windows WHERE tenant = $1 AND person = $2";

constexpr int rounds_max = 16;  // of looking and changing, when others change the same at the same time

struct Known {
  WallTime created{};
  event::PersonId id;

  bool operator==(const Known& other) const { return id == other.id; }
  auto operator<=>(const Known& other) const { return std::tie(created, id) <=> std::tie(other.created, other.id); }
};

Result<event::PersonId> person_id(const std::string& text) {
  auto id = event::PersonId::parse(text);
  if (!id) return fail(Kind::corrupt, "a row of persons has an id that is none");
  return *id;
}

Task<Result<std::optional<Known>>> look_up(db::Database& database, std::string tenant, std::string identity) {
  auto reading = database.read({person_of_identity, {std::move(tenant), std::move(identity)}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  auto id = person_id(rows->text(0, 0));
  if (!id) co_return fail(std::move(id).error());
  co_return Known{moment(*rows, 0, 1), *id};
}

std::vector<std::string> identities_in(const std::vector<event::Address>& theirs) {
  std::vector<std::string> found;
  found.reserve(theirs.size());
  for (const auto& address : theirs) found.emplace_back(address.identity());
  std::ranges::sort(found);  // everybody inserts them in one order, so that nobody waits for each other
  found.erase(std::ranges::unique(found).begin(), found.end());
  return found;
}

db::Batch making(const event::Tenant& tenant, const event::PersonId& person, const std::vector<std::string>& missing,
                 WallTime now) {
  db::Batch batch;
  batch.statements.push_back({insert_person, {tenant.text(), person.text(), stored(now)}});
  for (auto& statement : lock_person(tenant, person)) batch.statements.push_back(std::move(statement));
  for (const auto& identity : missing)
    batch.statements.push_back({insert_alias, {tenant.text(), person.text(), identity, stored(now)}});
  return batch;
}

db::Batch uniting(const event::Tenant& tenant, const event::PersonId& stays, const event::PersonId& goes) {
  const std::vector<db::Value> three{tenant.text(), stays.text(), goes.text()};
  const std::vector<db::Value> gone{tenant.text(), goes.text()};
  db::Batch batch;
  batch.statements = {{unite_alone, {tenant.text()}},
                      {lock_their_united, three},
                      {lock_both, three, db::Expect::exactly(2)},
                      {lead_there, three},
                      {lead_all_there, three},
                      {move_aliases, three},
                      {move_conversations, three},
                      {join_consents, three},
                      {drop_consents, gone},
                      {join_windows, three},
                      {drop_windows, gone}};
  return batch;
}

// One step towards one person: what is missing is made, what is two is united. Nothing left to do is an empty batch.
Task<Result<std::pair<db::Batch, event::PersonId>>> next_step(db::Database& database, event::Tenant tenant,
                                                              event::PersonId minted, std::vector<std::string> wanted,
                                                              WallTime now) {
  std::vector<Known> known;
  std::vector<std::string> missing;
  for (auto& identity : wanted) {
    auto looking = look_up(database, tenant.text(), identity);
    auto person = co_await std::move(looking);
    if (!person) co_return fail(std::move(person).error());
    if (*person) known.push_back(**person);
    if (!*person) missing.push_back(std::move(identity));
  }
  std::ranges::sort(known);
  known.erase(std::ranges::unique(known).begin(), known.end());
  const auto person = known.empty() ? minted : known.front().id;
  db::Batch step;
  if (known.size() > 1) {
    step = uniting(tenant, person, known[1].id);
  } else if (!missing.empty()) {
    step = making(tenant, person, missing, now);
  }
  co_return std::pair{std::move(step), person};
}

}  // namespace

Task<Result<std::optional<event::PersonId>>> find_person(db::Database& database, event::Tenant tenant,
                                                         event::Address theirs) {
  auto looking = look_up(database, tenant.text(), std::string{theirs.identity()});
  auto person = co_await std::move(looking);
  if (!person) co_return fail(std::move(person).error());
  if (!*person) co_return std::nullopt;
  co_return (*person)->id;
}

Task<Result<event::PersonId>> find_or_make_person(db::Database& database, event::Tenant tenant,
                                                  std::vector<event::Address> theirs, WallTime now) {
  if (theirs.empty()) co_return fail(Kind::invalid, "a person has at least one address");
  const auto wanted = identities_in(theirs);
  const auto minted = event::minted_person(tenant, theirs.front());
  for (int round = 0; round < rounds_max; ++round) {
    auto looking = next_step(database, tenant, minted, wanted, now);
    auto step = co_await std::move(looking);
    if (!step) co_return fail(std::move(step).error());
    if (step->first.statements.empty()) co_return step->second;
    auto running = database.run(std::move(step->first));
    auto ran = co_await std::move(running);
    // Somebody else united one of them first: look again.
    if (!ran && ran.error().kind != Kind::conflict) co_return fail(std::move(ran).error());
  }
  co_return fail(Kind::unavailable, "too many at once change who this person is");
}

Task<Result<std::optional<event::PersonId>>> current_person(db::Database& database, event::Tenant tenant,
                                                            event::PersonId id) {
  auto reading = database.read({person_now, {tenant.text(), id.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  auto now = person_id(rows->text(0, 0));
  if (!now) co_return fail(std::move(now).error());
  co_return *now;
}

Task<Result<std::vector<std::string>>> identities_of(db::Database& database, event::Tenant tenant,
                                                     event::PersonId person) {
  auto reading = database.read({identities, {tenant.text(), person.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<std::string> found;
  found.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) found.push_back(rows->text(row, 0));
  std::ranges::sort(found);  // here: the databases order texts differently
  co_return found;
}

std::vector<db::Statement> lock_person(const event::Tenant& tenant, const event::PersonId& person) {
  return {{lock_named, {tenant.text(), person.text()}}, {lock_united, {tenant.text(), person.text()}}};
}

}  // namespace sluice::store
