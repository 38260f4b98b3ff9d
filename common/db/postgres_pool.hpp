// A bounded number of connections to one database, and the jobs that wait for one of them.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/postgres_connection.hpp"
#include "common/db/postgres_dial.hpp"
#include "common/db/postgres_job.hpp"
#include "common/db/postgres_url.hpp"

namespace sluice::db {

struct PostgresPoolLimits {
  std::size_t connections_max;
  PostgresConnection::Limits connection;
  Duration connect_wait_max;
  Duration away_wait_max;   // while there is no connection at all
  Duration queue_wait_max;  // while there are some and all are busy
  Duration reconnect_pause_min;
  Duration reconnect_pause_max;
};

// A job goes to the connection with the fewest jobs. When none is idle another one is opened, up to the bound; between
// failed attempts there are pauses, and one attempt at a time. Connections that were opened stay.
//
// A job that no connection took in time is answered overloaded when all were busy, else unavailable with what the last
// attempt to connect met. One that was overtaken (deadlock, serialization failure) is tried again, and so is one whose
// connection was lost when it certainly had no effect; when it may have had one it is maybe_done.
class PostgresPool final : public PostgresConnection::Owner {
 public:
  PostgresPool(Loop& loop, Clock& clock, Random& random, PostgresTarget target, PostgresPoolLimits limits);
  PostgresPool(const PostgresPool&) = delete;
  PostgresPool& operator=(const PostgresPool&) = delete;
  ~PostgresPool() override;  // answers what is left with stopping or maybe_done

  void submit(PostgresJobPtr job);
  void close_connections();  // when nothing is under way

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  void has_room(PostgresConnection& connection) override;
  void wants_again(PostgresJobPtr job, Refusal refusal) override;
  void heard(std::string_view channel) override;
  void lost(PostgresConnection& connection, Failure why, std::vector<PostgresConnection::Unfinished> jobs) override;

  void enqueue(PostgresJobPtr job);
  void dispatch();
  [[nodiscard]] PostgresConnection* least_busy();
  void open_more();
  void dialled(const PostgresDial* dial, Result<PgConnection> outcome);
  void retry_due();
  [[nodiscard]] Duration wait_max() const;
  void expire();
  [[nodiscard]] Failure no_connection() const;

  Loop& loop_;
  Clock& clock_;
  Random& random_;
  PostgresTarget target_;
  PostgresPoolLimits limits_;
  ReconnectPause pause_;
  std::vector<std::shared_ptr<PostgresConnection>> connections_;
  std::vector<std::unique_ptr<PostgresDial>> dials_;
  std::deque<PostgresJobPtr> queue_;  // in the order of queued_at
  std::multimap<Instant, PostgresJobPtr> later_;
  std::size_t attempts_ = 0;
  Instant next_attempt_{};
  Failure last_failure_;
  Timer next_attempt_timer_;
  Timer later_timer_;
  Timer expiry_timer_;
};

}  // namespace sluice::db
