#include "common/store/migrations.hpp"

#include <vector>

namespace sluice::store {

std::span<const db::Migration> migrations() {
  static const std::vector<db::Migration> all{
      {1,
       "tenants",
       {"CREATE TABLE tenants (id text PRIMARY KEY, name text NOT NULL, created_at bigint NOT NULL, "
        "settings text NOT NULL)"}},
      {2,
       "parked heads",
       {"CREATE TABLE parked_heads (pool text NOT NULL, partition_number bigint NOT NULL, lane bigint NOT NULL, "
        "tenant text NOT NULL, event text NOT NULL, tries bigint NOT NULL, since bigint NOT NULL, due bigint NOT NULL, "
        "why text NOT NULL, last_failed bigint NOT NULL, paused bigint NOT NULL, "
        "PRIMARY KEY (pool, partition_number, lane))",
        "CREATE INDEX parked_heads_of_tenant ON parked_heads (tenant, since, event, pool)"}},
      {3,
       "schedule",
       {"CREATE TABLE schedule (tenant text NOT NULL, pool text NOT NULL, event text NOT NULL, "
        "record_key text NOT NULL, due bigint NOT NULL, origin_offset bigint NOT NULL, origin_at bigint NOT NULL, "
        "state text NOT NULL CHECK (state IN ('pending', 'claimed', 'fired', 'cancelled')), round bigint NOT NULL, "
        "value bytea, headers bytea, owner text, lease_until bigint, ended_at bigint, "
        "PRIMARY KEY (tenant, pool, event))",
        "CREATE INDEX schedule_pending ON schedule (pool, due) WHERE state = 'pending'",
        "CREATE INDEX schedule_claimed ON schedule (pool, lease_until) WHERE state = 'claimed'",
        "CREATE INDEX schedule_of_conversation ON schedule (tenant, pool, record_key, due, origin_offset) "
        "WHERE ended_at IS NULL",
        "CREATE INDEX schedule_of_tenant ON schedule (tenant, due, event, pool) WHERE ended_at IS NULL",
        "CREATE INDEX schedule_ended ON schedule (ended_at) WHERE ended_at IS NOT NULL"}},
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
