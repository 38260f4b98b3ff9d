// The way from a target to a connection that is ready for work, driven by the loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/postgres_handles.hpp"
#include "common/db/postgres_url.hpp"

namespace sluice::db {

using SocketWatch = boost::asio::posix::basic_stream_descriptor<Executor>;

// One attempt. Names are resolved by a thread of Asio's, since libpq would block. Ends with a non-blocking connection
// in pipeline mode, or a Failure; destroyed before that, it just stops.
class PostgresDial {
 public:
  using Finished = std::function<void(Result<PgConnection>)>;

  // `attempt` turns the order of the addresses, so that one which swallows packets does not use up every attempt's
  // time.
  PostgresDial(Loop& loop, Clock& clock, const PostgresTarget& target, std::size_t attempt, Duration wait_max);
  PostgresDial(const PostgresDial&) = delete;
  PostgresDial& operator=(const PostgresDial&) = delete;
  ~PostgresDial();

  // `finished` is called in a later turn of the loop, and may destroy this.
  void start(Finished finished);

 private:
  using Resolver = boost::asio::ip::basic_resolver<boost::asio::ip::tcp, Executor>;

  void time_is_up();
  void resolve_from(std::size_t place);
  void connect();
  void poll();
  void await(SocketWatch::wait_type what);
  void finish(Result<PgConnection> outcome);

  Loop& loop_;
  Clock& clock_;
  const PostgresTarget& target_;
  std::size_t attempt_;
  Duration wait_max_;
  Finished finished_;
  Timer deadline_;
  Resolver resolver_;
  SocketWatch watch_;
  std::vector<PostgresHost> hosts_;
  PgConnection connection_;
  // Handlers that the loop already queued outlive this; they find it through here, or find nothing.
  std::shared_ptr<PostgresDial*> self_ = std::make_shared<PostgresDial*>(this);
};

// The pauses between attempts: doubled after each failure, between half and all of it by chance, so that a thousand
// processes do not come back in one instant.
class ReconnectPause {
 public:
  ReconnectPause(Random& random, Duration pause_min, Duration pause_max)
      : random_(random), pause_min_(pause_min), pause_max_(pause_max) {}

  [[nodiscard]] Duration after_failure();
  void succeeded() { failures_ = 0; }
  [[nodiscard]] std::size_t failures() const { return failures_; }

 private:
  Random& random_;
  Duration pause_min_;
  Duration pause_max_;
  std::size_t failures_ = 0;
};

}  // namespace sluice::db
