#include "common/db/postgres_dial.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/db/postgres_errors.hpp"

namespace sluice::db {
namespace {

constexpr int server_version_min = 120000;  // before it the text of a double did not always give the double again

void drop_notice(void* /*nobody*/, const char* /*message*/) {}  // libpq would print it to stderr

PgConnection begin(const PostgresTarget& target, const std::vector<PostgresHost>& hosts) {
  std::string names;
  std::string addresses;
  std::string ports;
  for (const auto& host : hosts) {
    const std::string_view comma = &host == &hosts.front() ? "" : ",";
    fmt::format_to(std::back_inserter(names), "{}{}", comma, host.name);
    fmt::format_to(std::back_inserter(addresses), "{}{}", comma, host.address);
    fmt::format_to(std::back_inserter(ports), "{}{}", comma, host.port);
  }
  std::vector<const char*> keys{"host", "hostaddr", "port"};
  std::vector<const char*> values{names.c_str(), addresses.c_str(), ports.c_str()};
  for (const auto& [key, value] : target.parameters) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  return PgConnection{PQconnectStartParams(keys.data(), values.data(), 0)};
}

Result<PgConnection> make_ready(PgConnection connection) {
  const auto* const encoding = PQparameterStatus(connection.get(), "server_encoding");
  if (encoding == nullptr || std::string_view{encoding} != "UTF8")
    return fail(Kind::invalid, "PostgreSQL: the database's encoding is not UTF8; create it with ENCODING 'UTF8'");
  if (PQserverVersion(connection.get()) < server_version_min)
    return fail(Kind::invalid, "PostgreSQL: the server is older than version 12; use a newer one");
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  if (PQsetnonblocking(connection.get(), 1) != 0 || PQenterPipelineMode(connection.get()) != 1)
    return fail(Kind::unavailable, "PostgreSQL: the connection was lost as soon as it was made");
  return connection;
}

}  // namespace

PostgresDial::PostgresDial(Loop& loop, Clock& clock, const PostgresTarget& target, std::size_t attempt,
                           Duration wait_max)
    : loop_(loop),
      clock_(clock),
      target_(target),
      attempt_(attempt),
      wait_max_(wait_max),
      deadline_(clock.timers(), [this] { time_is_up(); }),
      resolver_(loop.context()),
      watch_(loop.context()) {}

PostgresDial::~PostgresDial() {
  *self_ = nullptr;
  if (watch_.is_open()) watch_.release();  // the socket is libpq's to close
}

void PostgresDial::start(Finished finished) {
  finished_ = std::move(finished);
  deadline_.arm(clock_.now() + wait_max_);
  loop_.post([self = self_] {
    if (*self != nullptr) (*self)->resolve_from(0);
  });
}

void PostgresDial::time_is_up() {  // in a turn of its own: a timer that fires may not be destroyed
  loop_.post([self = self_] {
    if (*self != nullptr) (*self)->finish(fail(Kind::unavailable, "PostgreSQL: no connection came about in time"));
  });
}

void PostgresDial::resolve_from(std::size_t place) {
  while (place < target_.hosts.size() && !target_.hosts[place].must_be_resolved())
    hosts_.push_back(target_.hosts[place++]);
  if (place == target_.hosts.size()) {
    connect();
    return;
  }
  const auto& host = target_.hosts[place];
  resolver_.async_resolve(
      host.name, host.port, Resolver::numeric_service,
      [self = self_, place](boost::system::error_code error, const Resolver::results_type& found) {
        if (*self == nullptr) return;
        auto& dial = **self;
        const auto& named = dial.target_.hosts[place];
        for (const auto& entry : found)
          dial.hosts_.push_back({named.name, entry.endpoint().address().to_string(), named.port});
        const bool last = place + 1 == dial.target_.hosts.size();
        if (error && last && dial.hosts_.empty()) {
          dial.finish(fail(Kind::unavailable,
                           fmt::format("PostgreSQL: the name '{}' has no address: {}", named.name, error.message())));
          return;
        }
        dial.resolve_from(place + 1);
      });
}

void PostgresDial::connect() {
  const auto turn = static_cast<std::ptrdiff_t>(attempt_ % hosts_.size());
  std::rotate(hosts_.begin(), hosts_.begin() + turn, hosts_.end());
  connection_ = begin(target_, hosts_);
  if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
    finish(connection_ ? Result<PgConnection>{fail(connect_failure_of(connection_.get()))}
                       : Result<PgConnection>{fail(Kind::exhausted, "there is no memory left")});
    return;
  }
  PQsetNoticeProcessor(connection_.get(), drop_notice, nullptr);
  PQsetErrorVerbosity(connection_.get(), PQERRORS_SQLSTATE);
  await(SocketWatch::wait_write);
}

// libpq may close its socket and open another one in each step, so each step watches anew.
void PostgresDial::await(SocketWatch::wait_type what) {
  watch_.assign(PQsocket(connection_.get()));
  watch_.async_wait(what, [self = self_](boost::system::error_code error) {
    if (*self == nullptr || error) return;
    (*self)->watch_.release();
    (*self)->poll();
  });
}

void PostgresDial::poll() {
  switch (PQconnectPoll(connection_.get())) {
    case PGRES_POLLING_READING:
      await(SocketWatch::wait_read);
      return;
    case PGRES_POLLING_WRITING:
      await(SocketWatch::wait_write);
      return;
    case PGRES_POLLING_OK:
      finish(make_ready(std::move(connection_)));
      return;
    default:
      finish(fail(connect_failure_of(connection_.get())));
      return;
  }
}

void PostgresDial::finish(Result<PgConnection> outcome) {
  deadline_.disarm();
  const auto finished = std::move(finished_);  // `this` may be gone while it runs
  finished(std::move(outcome));
}

Duration ReconnectPause::after_failure() {
  const auto doublings = std::min<std::size_t>(failures_++, 16);
  const auto pause = std::min(pause_min_ * (std::int64_t{1} << doublings), pause_max_);
  return random_.between(pause / 2, pause);
}

}  // namespace sluice::db
