// The database beside Kafka: PostgreSQL, spoken to over a few pipelined connections by the loop itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/database.hpp"

namespace sluice::db {

struct PostgresSettings {
  std::string url = {};  // postgresql://user:password@host:port/database?sslmode=…
  std::string application_name = "sluice";
  std::size_t connections_max = 8;  // beside the one that listens
  std::size_t in_flight_max = 16;   // transactions on their way on one connection
  std::size_t calls_max = 16384;    // not answered yet; above it a call is overloaded
  std::size_t calls_bytes_max = std::size_t{128} << 20U;
  std::size_t rows_max = 256;  // rows written together in one transaction
  std::chrono::milliseconds connect_wait_max{5000};
  std::chrono::milliseconds away_wait_max{2000};        // for a server that is away: unavailable
  std::chrono::milliseconds queue_wait_max{10000};      // for room on a connection: overloaded
  std::chrono::milliseconds statement_wait_max{10000};  // the server ends a longer one: timed_out
  std::chrono::milliseconds lock_wait_max{5000};        // for what another transaction holds: timed_out
  std::chrono::milliseconds silence_max{30000};  // without a byte from a server that owes an answer; then it is dead
  std::chrono::milliseconds reconnect_pause_min{100};  // doubled up to the next with each attempt that fails
  std::chrono::milliseconds reconnect_pause_max{5000};
};

// Lives on one loop, on whose thread it is opened and destroyed; its calls may be made on any loop. Loop, clock and
// random outlive it. Connects when it is first asked something, so a server that is away is each call's failure. Until
// close() its connections keep the loop's run() from returning.
//
// A batch without expectations is one round trip; one with expectations takes two, and a connection for itself
// meanwhile. Rows of one shape take effect in the order in which they came. What a cancelled caller had begun goes on,
// and whether it was done is open.
//
// When a connection is lost, what certainly had no effect is done again on another one, up to three times; what may
// have had one is maybe_done. So is everything that was on its way when this is destroyed without close().
//
// Integers are also booleans and whole `numeric`s. A number given to a text column is stored as its digits: a mistake
// that the server cannot see.
class PostgresDatabase final : public Database {
 public:
  // Kind::invalid with a sentence for an operator when the URL is wrong, or would send plain text to another machine.
  static Result<std::unique_ptr<PostgresDatabase>> open(Loop& loop, Clock& clock, Random& random,
                                                        const PostgresSettings& settings);
  ~PostgresDatabase() override;

  Task<Result<std::vector<Rows>>> run(Batch batch) override;
  Task<Result<Rows>> read(Statement statement) override;
  Task<Result<Rows>> write_row(RowWrite write) override;
  std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) override;
  Task<> close() override;

 private:
  class Core;
  explicit PostgresDatabase(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;  // others hold it weakly
};

}  // namespace sluice::db
