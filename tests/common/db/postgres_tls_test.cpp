// TLS to a real server, whose name is verified.
#include <fstream>

#include <doctest/doctest.h>

#include "tests/common/db/postgres_support.hpp"
#include "tests/support/folder.hpp"

namespace sluice::db {
namespace {

using namespace std::chrono_literals;

// A server with a certificate for `localhost` that it has signed itself.
struct TlsServer {
  TlsServer() {
    PostgresAdmin admin(server.url());
    admin.ask(
        "COPY (SELECT 1) TO PROGRAM 'openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -out server.crt "
        "-keyout server.key 2>/dev/null && chmod 600 server.key'");
    std::ofstream(authority) << admin.ask_one("SELECT pg_read_file('server.crt')");
    admin.ask("ALTER SYSTEM SET ssl = on");
    admin.ask("SELECT pg_reload_conf()");
    admin.wait_until("SELECT setting = 'on' FROM pg_settings WHERE name = 'ssl'");
  }
  [[nodiscard]] std::string url(const std::string& host) const {
    auto url = server.url();
    return url.replace(url.find("127.0.0.1"), 9, host);
  }
  PrivatePostgres server;
  TempFolder folder;
  std::string authority = (folder / "authority.pem").string();
};

TEST_CASE("a connection by TLS is made when the certificate names the host and only then") {
  const TlsServer tls;
  PostgresWorld world(tls.server.url(), {});
  const auto open = [&](const std::string& url) { return world.open({.url = url, .away_wait_max = 2s}); };
  const auto authority = "sslrootcert=" + tls.authority;

  const auto verified = open(with_parameter(tls.url("localhost"), "sslmode=verify-full&" + authority));
  const auto other_name = open(with_parameter(tls.url("127.0.0.1"), "sslmode=verify-full&" + authority));
  const auto other_authority =
      open(with_parameter(tls.url("localhost"), "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"));

  const auto encrypted = world.run(verified->read({"SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", {}}));
  const std::string text(1'000'000, 'x');
  std::vector<Task<Result<Rows>>> large;
  for (int time = 0; time < 20; ++time) large.push_back(verified->read({"SELECT $1::text", {Value{text}}}));
  const auto echoes = world.run_all(std::move(large));
  const auto refused_name = world.run(other_name->read({"SELECT 1", {}}));
  const auto refused_authority = world.run(other_authority->read({"SELECT 1", {}}));

  REQUIRE(encrypted);
  CHECK(encrypted->integer(0, 0) == 1);
  for (const auto& echo : echoes) {
    REQUIRE(echo);
    CHECK(echo->text(0, 0) == text);
  }
  REQUIRE_FALSE(refused_name);
  CHECK(refused_name.error().sentence.find("does not match host name") != std::string::npos);
  REQUIRE_FALSE(refused_authority);
  CHECK(refused_authority.error().kind == Kind::unavailable);
}

}  // namespace
}  // namespace sluice::db
