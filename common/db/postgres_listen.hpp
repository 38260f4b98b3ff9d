// A connection of its own on which the process hears what was notified by any process.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/database.hpp"
#include "common/db/notices.hpp"
#include "common/db/postgres_pool.hpp"

namespace sluice::db {

// Connects when somebody wants to hear something for the first time, and again, with pauses, whenever the connection is
// lost. Each time a LISTEN has taken effect its listeners are called, since they may have missed something before.
class PostgresListener final : public PostgresConnection::Owner {
 public:
  PostgresListener(Loop& loop, Clock& clock, Random& random, const PostgresTarget& target,
                   const PostgresPoolLimits& limits);
  PostgresListener(const PostgresListener&) = delete;
  PostgresListener& operator=(const PostgresListener&) = delete;
  ~PostgresListener() override;

  // From any thread. `heard` runs on `loop`.
  std::unique_ptr<Listening> listen(Loop& loop, std::string channel, std::function<void()> heard);

  void close();

 private:
  void has_room(PostgresConnection& connection) override;
  void wants_again(PostgresJobPtr job, Refusal refusal) override;
  void heard(std::string_view channel) override;
  void lost(PostgresConnection& connection, Failure why, std::vector<PostgresConnection::Unfinished> jobs) override;

  void add(const std::string& channel);
  void dial();
  void dialled(Result<PgConnection> outcome);
  void listen_to_all();
  void give_up_soon();
  void pause_after_failure();

  Loop& loop_;
  Clock& clock_;
  const PostgresTarget& target_;
  const PostgresPoolLimits& limits_;
  ReconnectPause pause_;
  Notices notices_;
  std::vector<std::string> channels_;  // the LISTEN of each that was ever wanted: as bounded as the program
  std::size_t listened_to_ = 0;        // of them, on the present connection
  bool asking_ = false;                // a LISTEN is on its way
  bool closed_ = false;
  std::size_t attempts_ = 0;
  std::unique_ptr<PostgresDial> dial_;
  std::shared_ptr<PostgresConnection> connection_;
  Timer next_attempt_;
  std::shared_ptr<PostgresListener*> self_ = std::make_shared<PostgresListener*>(this);
};

}  // namespace sluice::db
