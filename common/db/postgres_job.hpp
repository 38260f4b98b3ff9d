// What the pool hands to a connection: the commands of one transaction, and who is told how it went.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "common/async/timer.hpp"
#include "common/base/result.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {

inline constexpr std::size_t parameters_max = 65535;  // of a statement, by the protocol

struct PostgresCommand {
  // Its address names it in each connection's cache: as long as there are connections it keeps this text.
  const char* text;
  std::vector<Value> values = {};
};

struct PostgresJob {
  std::vector<PostgresCommand> commands = {};
  std::vector<Expect> expectations = {};  // one per command, or none at all: then one round trip is enough
  bool reads_only = false;                // may be repeated whatever happened to it
  std::function<void(Result<std::vector<Rows>>)> finished = {};  // called once, on the loop's thread

  // Kept by the pool from one attempt to the next.
  bool prepared_allowed = true;
  std::size_t overtaken = 0;  // attempts that ended in a deadlock or a serialization failure
  std::size_t lost = 0;       // attempts whose connection was lost before anything could have been done
  Instant queued_at{};
};
using PostgresJobPtr = std::unique_ptr<PostgresJob>;

}  // namespace sluice::db
