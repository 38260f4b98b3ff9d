// Where the database is and how it is spoken to, from DATABASE_URL.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.hpp"

namespace sluice::db {

struct PostgresHost {
  std::string name;     // a host name, an address, or the folder of a Unix socket
  std::string address;  // numeric; empty: a Unix socket, or a name that is still to be resolved
  std::string port;

  [[nodiscard]] bool is_socket() const { return name.starts_with('/') || name.starts_with('@'); }
  [[nodiscard]] bool must_be_resolved() const { return address.empty() && !is_socket(); }
};

struct PostgresTarget {
  std::vector<PostgresHost> hosts;                              // never empty; tried in this order
  std::vector<std::pair<std::string, std::string>> parameters;  // all others, by libpq's names
};

// What the server is told at the start of each connection.
struct PostgresSession {
  std::string application_name;
  std::chrono::milliseconds statement_wait_max;
  std::chrono::milliseconds lock_wait_max;
};

// Plain text goes to this machine only. For any other host TLS with a verified name is the default
// (sslmode=verify-full, the system's authorities unless sslrootcert names a file), and a weaker sslmode is
// Kind::invalid. What the environment would add behind the URL's back (PGHOST, PGPORT, PGSSLMODE, PGOPTIONS, …) is
// overruled. No sentence repeats any part of the URL but a host's name.
Result<PostgresTarget> target_of(std::string_view url, const PostgresSession& session);

}  // namespace sluice::db
