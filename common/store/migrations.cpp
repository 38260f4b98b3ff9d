#include "common/store/migrations.hpp"

#include <vector>

#include "common/db/dialect.hpp"

namespace sluice::store {

std::span<const db::Migration> migrations() {
  static const std::vector<db::Migration> all{
      {1,
       "tenants",
       {("CREATE TABLE tenants (id text PRIMARY KEY, name text NOT NULL, created_at bigint NOT NULL, "
         "settings text NOT NULL)")}},
      {2,
       "parked heads",
       {("CREATE TABLE parked_heads (pool text NOT NULL, partition_number bigint NOT NULL, lane bigint NOT NULL, "
         "tenant text NOT NULL, event text NOT NULL, tries bigint NOT NULL, since bigint NOT NULL, due bigint "
         "NOT NULL, why text NOT NULL, last_failed bigint NOT NULL, paused bigint NOT NULL, "
         "PRIMARY KEY (pool, partition_number, lane))"),
        "CREATE INDEX parked_heads_of_tenant ON parked_heads (tenant, since, event, pool)"}},
      {3,
       "schedule",
       {("CREATE TABLE schedule (tenant text NOT NULL, pool text NOT NULL, event text NOT NULL, "
         "record_key text NOT NULL, due bigint NOT NULL, origin_offset bigint NOT NULL, origin_at bigint NOT NULL, "
         "state text NOT NULL CHECK (state IN ('pending', 'claimed', 'fired', 'cancelled')), round bigint NOT NULL, "
         "value bytea, headers bytea, owner text, lease_until bigint, ended_at bigint, "
         "PRIMARY KEY (tenant, pool, event))"),
        "CREATE INDEX schedule_pending ON schedule (pool, due) WHERE state = 'pending'",
        "CREATE INDEX schedule_claimed ON schedule (pool, lease_until) WHERE state = 'claimed'",
        ("CREATE INDEX schedule_of_conversation ON schedule (tenant, pool, record_key, due, origin_offset) "
         "WHERE ended_at IS NULL"),
        "CREATE INDEX schedule_of_tenant ON schedule (tenant, due, event, pool) WHERE ended_at IS NULL",
        "CREATE INDEX schedule_ended ON schedule (ended_at) WHERE ended_at IS NOT NULL"}},
      {4,
       "persons",
       {("CREATE TABLE persons (tenant text NOT NULL, id text NOT NULL, created_at bigint NOT NULL, merged_into text, "
         "PRIMARY KEY (tenant, id))"),
        "CREATE INDEX persons_united ON persons (tenant, merged_into) WHERE merged_into IS NOT NULL",
        "CREATE TABLE unitings (tenant text PRIMARY KEY, number bigint NOT NULL)",
        ("CREATE TABLE person_aliases (tenant text NOT NULL, identity text NOT NULL, person text NOT NULL, "
         "added_at bigint NOT NULL, PRIMARY KEY (tenant, identity))"),
        "CREATE INDEX person_aliases_of_person ON person_aliases (tenant, person)",
        ("CREATE TABLE windows (tenant text NOT NULL, person text NOT NULL, ours text NOT NULL, "
         "last_inbound_at bigint, closed_at bigint, PRIMARY KEY (tenant, person, ours))"),
        ("CREATE TABLE consents (tenant text NOT NULL, person text NOT NULL, channel text NOT NULL, "
         "state text NOT NULL CHECK (state IN ('granted', 'revoked')), since bigint NOT NULL, "
         "last_word_at bigint NOT NULL, PRIMARY KEY (tenant, person, channel))"),
        ("CREATE TABLE consent_evidence (tenant text NOT NULL, event text NOT NULL, person text NOT NULL, "
         "word text NOT NULL CHECK (word IN ('stop', 'start')), channel text NOT NULL, sender text NOT NULL, "
         "source text NOT NULL, text text NOT NULL, at bigint NOT NULL, recorded_at bigint NOT NULL, "
         "PRIMARY KEY (tenant, event))"),
        "CREATE INDEX consent_evidence_of_person ON consent_evidence (tenant, person, at)"}},
      {5,
       "conversations",
       {("CREATE TABLE conversations (tenant text NOT NULL, key text NOT NULL, person text NOT NULL, alias_of text, "
         "in_charge text NOT NULL CHECK (in_charge IN ('bot', 'human')), epoch bigint NOT NULL, "
         "newest_turn bigint NOT NULL, last_inbound_at bigint, word_at bigint NOT NULL, created_at bigint NOT NULL, "
         "PRIMARY KEY (tenant, key))"),
        "CREATE INDEX conversations_of_person ON conversations (tenant, person)",
        "CREATE INDEX conversations_united ON conversations (tenant, alias_of) WHERE alias_of IS NOT NULL",
        ("CREATE TABLE conversation_turns (tenant text NOT NULL, event text NOT NULL, key text NOT NULL, "
         "number bigint NOT NULL, given_at bigint NOT NULL, PRIMARY KEY (tenant, event))"),
        "CREATE INDEX conversation_turns_given ON conversation_turns (given_at)",
        ("CREATE TABLE hand_overs (tenant text NOT NULL, event text NOT NULL, key text NOT NULL, "
         "in_charge text NOT NULL CHECK (in_charge IN ('bot', 'human')), why text NOT NULL, at bigint NOT NULL, "
         "recorded_at bigint NOT NULL, epoch bigint, PRIMARY KEY (tenant, event))"),
        "CREATE INDEX hand_overs_recorded ON hand_overs (recorded_at)"}},
      {6,
       "effects",
       {("CREATE TABLE effects (tenant text NOT NULL, id text NOT NULL, pool text NOT NULL, event text NOT NULL, "
         "kind text NOT NULL, conversation text NOT NULL, person text NOT NULL, request text NOT NULL, resend_of text, "
         "planned_at bigint NOT NULL, "
         "state text NOT NULL CHECK (state IN ('planned', 'attempting', 'sent', 'rejected', 'unknown')), "
         "generation bigint NOT NULL, attempt bigint NOT NULL, owner text NOT NULL, owner_epoch bigint NOT NULL, "
         "began_at bigint, deadline_at bigint, boot bigint NOT NULL, sid text, gate text NOT NULL, code text NOT NULL, "
         "detail text NOT NULL, lookups bigint NOT NULL, lookup_due bigint, lookup_owner text, lookup_until bigint, "
         "settled_at bigint, PRIMARY KEY (tenant, id))"),
        "CREATE UNIQUE INDEX effects_by_sid ON effects (tenant, pool, sid) WHERE sid IS NOT NULL",
        "CREATE UNIQUE INDEX effects_resent ON effects (tenant, resend_of) WHERE resend_of IS NOT NULL",
        "CREATE INDEX effects_attempting ON effects (pool, deadline_at) WHERE state = 'attempting'",
        "CREATE INDEX effects_unknown ON effects (pool, lookup_due) WHERE state = 'unknown'",
        "CREATE INDEX effects_open ON effects (tenant, planned_at, id) WHERE settled_at IS NULL",
        ("CREATE INDEX effects_left_unknown ON effects (tenant, planned_at, id) "
         "WHERE state = 'unknown' AND settled_at IS NOT NULL"),
        "CREATE INDEX effects_settled ON effects (settled_at) WHERE settled_at IS NOT NULL"}},
      {7,
       "journal",
       {db::numbering<"CREATE TABLE journal (id",
                      ", tenant text NOT NULL, root text NOT NULL, event text NOT NULL, at bigint NOT NULL, "
                      "pool text NOT NULL, what text NOT NULL, attempt bigint NOT NULL, detail text NOT NULL)">(),
        // Ids are hashes over the tenant too: an index over more would only make every row dearer.
        "CREATE INDEX journal_of_root ON journal (root)",
        "CREATE INDEX journal_of_child ON journal (event) WHERE event <> ''",
        ("CREATE TABLE journal_names (tenant text NOT NULL, name text NOT NULL, root text NOT NULL, "
         "at bigint NOT NULL, PRIMARY KEY (tenant, name))"),
        "CREATE INDEX journal_names_at ON journal_names (at)"}},
      {8,
       "outcomes",
       {("CREATE TABLE outcomes (tenant text NOT NULL, root text NOT NULL, term text NOT NULL, reason text NOT NULL, "
         "at bigint NOT NULL, weight bigint NOT NULL, PRIMARY KEY (tenant, root))"),
        "CREATE INDEX outcomes_reached ON outcomes (at, tenant, root) WHERE term <> 'in_flight'",
        ("CREATE TABLE outcome_parts (tenant text NOT NULL, root text NOT NULL, part text NOT NULL, "
         "term text NOT NULL, reason text NOT NULL, at bigint NOT NULL, weight bigint NOT NULL, "
         "PRIMARY KEY (tenant, root, part))")}},
      {9,
       "buckets",
       {("CREATE TABLE buckets (tenant text NOT NULL, name text NOT NULL, paid_until bigint NOT NULL, "
         "granted bigint NOT NULL, PRIMARY KEY (tenant, name))")}},
      {10,
       "pauses",
       {("CREATE TABLE pauses (tenant text NOT NULL, pool text NOT NULL, reason text NOT NULL, who text NOT NULL, "
         "since bigint NOT NULL, PRIMARY KEY (tenant, pool))")}},
      {11,
       "held lanes",
       {("CREATE TABLE held_lanes (pool text NOT NULL, partition_number bigint NOT NULL, lane bigint NOT NULL, "
         "tenant text NOT NULL, event text NOT NULL, why text NOT NULL, since bigint NOT NULL, "
         "PRIMARY KEY (pool, partition_number, lane))"),
        "CREATE INDEX held_lanes_of_tenant ON held_lanes (tenant, since, event)"}},
      {12, "pauses of parked heads", {"ALTER TABLE parked_heads ADD COLUMN paused_since bigint"}},
  };
  return all;
}

Task<Result<db::MigrationStatus>> migrate(db::Database& database, Clock& clock) {
  return db::migrate(database, clock, migrations());
}

Task<Result<db::MigrationStatus>> migration_status(db::Database& database) {
  return db::migration_status(database, migrations());
}

}  // namespace sluice::store
