// Where DATABASE_URL leads, and how safely.
#include <algorithm>

#include <doctest/doctest.h>

#include "common/db/postgres_url.hpp"

namespace sluice::db {
namespace {

using namespace std::chrono_literals;

Result<PostgresTarget> target(std::string_view url) {
  return target_of(url, {"tests", 10s, 5s});
}

std::string parameter(const PostgresTarget& target, std::string_view name) {
  const auto found = std::find_if(target.parameters.begin(), target.parameters.end(),
                                  [&](const auto& pair) { return pair.first == name; });
  return found == target.parameters.end() ? "" : found->second;
}

std::string mode(std::string_view url) {
  const auto found = target(url);
  return found ? parameter(*found, "sslmode") : std::string{name_of(found.error().kind)};
}

TEST_CASE("plain text goes to this machine only") {
  CHECK(mode("postgresql://me@127.0.0.1/db") == "disable");
  CHECK(mode("postgresql://me@127.9.9.9/db") == "disable");
  CHECK(mode("postgresql://me@[::1]/db") == "disable");
  CHECK(mode("postgresql://me@[::ffff:127.0.0.1]/db") == "disable");
  CHECK(mode("postgresql://me@localhost:5433/db") == "disable");
  CHECK(mode("postgresql:///db?host=/var/run/postgresql") == "disable");
  CHECK(mode("postgresql://anything/db?hostaddr=127.0.0.1") == "disable");
  CHECK(mode("host=/tmp dbname=db") == "disable");
}

TEST_CASE("another machine is spoken to by TLS with its name verified") {
  CHECK(mode("postgresql://me@db.example.com/db") == "verify-full");
  CHECK(mode("postgresql://me@10.0.0.1/db") == "verify-full");
  CHECK(mode("postgresql://me@[2001:db8::1]/db") == "verify-full");
  CHECK(mode("postgresql://me@localhost.example.com/db") == "verify-full");
  CHECK(mode("postgresql://localhost/db?hostaddr=10.0.0.1") == "verify-full");
  CHECK(mode("postgresql://me@127.0.0.1,db.example.com/db") == "verify-full");
  CHECK(mode("postgresql://me@db.example.com/db?sslmode=verify-full") == "verify-full");
}

TEST_CASE("a weaker sslmode to another machine is refused with its host named") {
  for (const std::string weak : {"disable", "allow", "prefer", "require", "verify-ca"}) {
    const auto refused = target("postgresql://me:secret@127.0.0.1,db.example.com/db?sslmode=" + weak);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Kind::invalid);
    CHECK(refused.error().sentence.find("db.example.com") != std::string::npos);
    CHECK(refused.error().sentence.find("sslmode=verify-full") != std::string::npos);
    CHECK(refused.error().sentence.find("secret") == std::string::npos);
  }
}

TEST_CASE("this machine may be asked for TLS too") {
  CHECK(mode("postgresql://me@localhost/db?sslmode=verify-full") == "verify-full");
  CHECK(mode("postgresql://me@127.0.0.1/db?sslmode=require") == "require");
}

TEST_CASE("authorities are those of the URL or else the system's") {
  const auto own = target("postgresql://db.example.com/db?sslrootcert=/etc/own.pem");
  const auto system = target("postgresql://db.example.com/db");

  REQUIRE(own);
  CHECK(parameter(*own, "sslrootcert") == "/etc/own.pem");
  REQUIRE(system);
  CHECK_FALSE(parameter(*system, "sslrootcert").empty());
}

TEST_CASE("hosts and ports are told apart and names are left to be resolved") {
  const auto found = target("postgresql://db.example.com:1,10.0.0.2:2/db?sslmode=verify-full");

  REQUIRE(found);
  REQUIRE(found->hosts.size() == 2);
  CHECK(found->hosts[0].name == "db.example.com");
  CHECK(found->hosts[0].must_be_resolved());
  CHECK(found->hosts[0].port == "1");
  CHECK(found->hosts[1].address == "10.0.0.2");
  CHECK_FALSE(found->hosts[1].must_be_resolved());
  CHECK(parameter(*found, "target_session_attrs") == "read-write");
}

TEST_CASE("localhost is this machine whatever a name service says") {
  const auto found = target("postgresql://localhost/db");

  REQUIRE(found);
  REQUIRE(found->hosts.size() == 2);
  CHECK(found->hosts[0].address == "127.0.0.1");
  CHECK(found->hosts[1].address == "::1");
  CHECK(found->hosts[0].port == "5432");
  CHECK(parameter(*found, "target_session_attrs").empty());
}

TEST_CASE("what would change the meaning behind the back of the URL is refused") {
  for (const std::string url :
       {"", "postgresql:///db", "postgresql://me@/db", "nonsense", "postgresql://h/db?nonsense=1",
        "postgresql://localhost/db?service=other", "postgresql://a,b,c/db?hostaddr=10.0.0.1,10.0.0.2",
        "postgresql://a:1,b:2/db?port=1,2,3", "postgresql://a/db?hostaddr=name"}) {
    CAPTURE(url);
    const auto refused = target(url);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Kind::invalid);
    CHECK(refused.error().sentence.find("DATABASE_URL") != std::string::npos);
  }
}

TEST_CASE("no sentence repeats a password") {
  for (const std::string url : {"postgresql://me:sec%ret@localhost/db", "postgresql://me:secret@localhost:port/db%",
                                "postgresql://me:secret@/db", "user=me password=secret host"}) {
    const auto refused = target(url);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sentence.find("sec") == std::string::npos);
  }
}

TEST_CASE("the time limits of the session win over the URL and its other options stay") {
  const auto found = target(
      "postgresql://localhost/db?options=-c%20statement_timeout%3D0%20-c%20search_path%3Dmine&application_name=mine");

  REQUIRE(found);
  const auto options = parameter(*found, "options");
  CHECK(options.find("search_path=mine") != std::string::npos);
  CHECK(options.rfind("statement_timeout=10000") > options.find("statement_timeout=0"));
  CHECK(options.find("lock_timeout=5000") != std::string::npos);
  CHECK(parameter(*found, "application_name") == "mine");
  CHECK(parameter(*found, "client_encoding") == "UTF8");
}

}  // namespace
}  // namespace sluice::db
