// What a refusal means, and what its sentence keeps to itself.
#include <array>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/db/postgres_errors.hpp"
#include "tests/common/db/postgres_support.hpp"

namespace sluice::db {
namespace {

struct Meant {
  std::string_view sqlstate;
  Kind kind;
};

// From the table of the server's manual: one of each class that can reach us, and each that its class does not decide.
constexpr std::array meant{
    Meant{"08006", Kind::unavailable},  // connection_failure
    Meant{"08P01", Kind::ours},         // protocol_violation
    Meant{"0A000", Kind::ours},         // feature_not_supported
    Meant{"21000", Kind::ours},         // cardinality_violation
    Meant{"22001", Kind::invalid},      // string_data_right_truncation
    Meant{"22003", Kind::invalid},      // numeric_value_out_of_range
    Meant{"22021", Kind::invalid},      // character_not_in_repertoire
    Meant{"22P02", Kind::ours},         // invalid_text_representation
    Meant{"22P03", Kind::ours},         // invalid_binary_representation
    Meant{"23502", Kind::conflict},     // not_null_violation
    Meant{"23503", Kind::conflict},     // foreign_key_violation
    Meant{"23505", Kind::conflict},     // unique_violation
    Meant{"23514", Kind::conflict},     // check_violation
    Meant{"23P01", Kind::conflict},     // exclusion_violation
    Meant{"25006", Kind::exhausted},    // read_only_sql_transaction
    Meant{"25P02", Kind::ours},         // in_failed_sql_transaction
    Meant{"25P03", Kind::timed_out},    // idle_in_transaction_session_timeout
    Meant{"26000", Kind::ours},         // invalid_sql_statement_name
    Meant{"28000", Kind::denied},       // invalid_authorization_specification
    Meant{"28P01", Kind::denied},       // invalid_password
    Meant{"3D000", Kind::unavailable},  // invalid_catalog_name
    Meant{"40001", Kind::unavailable},  // serialization_failure
    Meant{"40002", Kind::conflict},     // transaction_integrity_constraint_violation
    Meant{"40003", Kind::maybe_done},   // statement_completion_unknown
    Meant{"40P01", Kind::unavailable},  // deadlock_detected
    Meant{"42501", Kind::denied},       // insufficient_privilege
    Meant{"42601", Kind::ours},         // syntax_error
    Meant{"42703", Kind::ours},         // undefined_column
    Meant{"42P01", Kind::ours},         // undefined_table
    Meant{"53100", Kind::exhausted},    // disk_full
    Meant{"53200", Kind::unavailable},  // out_of_memory
    Meant{"53300", Kind::unavailable},  // too_many_connections
    Meant{"54000", Kind::invalid},      // program_limit_exceeded
    Meant{"54001", Kind::ours},         // statement_too_complex
    Meant{"55P03", Kind::timed_out},    // lock_not_available
    Meant{"57014", Kind::timed_out},    // query_canceled
    Meant{"57P01", Kind::unavailable},  // admin_shutdown
    Meant{"57P02", Kind::unavailable},  // crash_shutdown
    Meant{"57P03", Kind::unavailable},  // cannot_connect_now
    Meant{"58030", Kind::exhausted},    // io_error
    Meant{"72000", Kind::unavailable},  // snapshot_too_old
    Meant{"P0001", Kind::conflict},     // raise_exception
    Meant{"XX000", Kind::ours},         // internal_error
    Meant{"XX001", Kind::corrupt},      // data_corrupted
    Meant{"XX002", Kind::corrupt},      // index_corrupted
    Meant{"ZZZZZ", Kind::ours},         // what no manual knows
    Meant{"", Kind::ours},
};

TEST_CASE("every SQLSTATE has a kind") {
  for (const auto& [sqlstate, kind] : meant) {
    CAPTURE(std::string{sqlstate});
    CHECK(name_of(kind_of_sqlstate(sqlstate)) == name_of(kind));
  }
}

TEST_CASE("the kinds that say nothing was done are never given to what may have been") {
  for (const auto& [sqlstate, kind] : meant) {
    if (sqlstate == "40003") CHECK_FALSE(may_pass(kind_of_sqlstate(sqlstate)));
  }
}

// What the server would quote must not reach a log.
TEST_CASE("a sentence names table and constraint and never a value") {
  PostgresWorld world;
  world.admin.ask(
      "CREATE TABLE person (phone text PRIMARY KEY CHECK (phone <> '+4917000'), age int, born timestamptz)");
  world.admin.ask(
      "CREATE FUNCTION complain() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN IF NEW.age = 7 THEN RAISE EXCEPTION 'no % here', NEW.phone; END IF; RETURN NEW; END $$");
  world.admin.ask("CREATE TRIGGER complaining BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION complain()");
  const auto fails = [&](Statement statement) {
    const auto done = world.run({.statements = {std::move(statement)}});
    REQUIRE_FALSE(done);
    return done.error();
  };
  REQUIRE(world.run({.statements = {{"INSERT INTO person VALUES ($1)", {Value{"+4917111"}}}}}));

  const std::vector<Failure> failures{
      fails({"INSERT INTO person VALUES ($1)", {Value{"+4917111"}}}),
      fails({"INSERT INTO person VALUES ($1)", {Value{"+4917000"}}}),
      fails({"INSERT INTO person VALUES ($1, 7)", {Value{"+4917222"}}}),
      fails({"INSERT INTO person VALUES ('a', $1)", {Value{"x4917333"}}}),
      fails({"INSERT INTO person VALUES ('a', $1)", {Value{4917444444444}}}),
      fails({"INSERT INTO person VALUES ('a', 1, $1)", {Value{"x4917555"}}}),
      fails({"SELECT * FROM person WHERE age = CAST($1::text AS int)", {Value{"x4917666"}}}),
  };

  for (const auto& failure : failures) {
    CAPTURE(failure.sentence);
    CHECK(failure.sentence.find("4917") == std::string::npos);
  }
  CHECK(failures[0].sentence.find("person_pkey") != std::string::npos);
  CHECK(failures[0].kind == Kind::conflict);
  CHECK(failures[1].sentence.find("person_phone_check") != std::string::npos);
  CHECK(failures[2].kind == Kind::conflict);
  CHECK(failures[3].kind == Kind::ours);
  CHECK(failures[4].kind == Kind::invalid);
}

TEST_CASE("a right that is missing is denied") {
  PostgresWorld world;
  world.admin.ask("CREATE TABLE secret (id bigint)");
  world.admin.ask("DO $$ BEGIN EXECUTE format('CREATE ROLE %I LOGIN', 'guest_of_' || current_schema); END $$");
  const auto guest = "guest_of_" + world.schema.name();
  world.admin.ask(fmt::format("GRANT USAGE ON SCHEMA {} TO {}", world.schema.name(), guest));
  const auto db = world.open({.url = with_parameter(world.schema.url(), "user=" + guest)});

  const auto rows = world.run(db->read({"SELECT id FROM secret", {}}));
  world.run(db->close());
  world.admin.ask(fmt::format("REVOKE USAGE ON SCHEMA {} FROM {}; DROP ROLE {}", world.schema.name(), guest, guest));

  REQUIRE_FALSE(rows);
  CHECK(rows.error().kind == Kind::denied);
}

}  // namespace
}  // namespace sluice::db
