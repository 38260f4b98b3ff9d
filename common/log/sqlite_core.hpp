// What the parts of one SqliteLog share.
#pragma once

#include <atomic>
#include <memory>

#include "common/async/clock.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/log/sqlite_board.hpp"
#include "common/log/sqlite_group.hpp"
#include "common/log/sqlite_log.hpp"
#include "common/log/sqlite_readers.hpp"
#include "common/log/sqlite_topics.hpp"

namespace sluice::log {

struct SqliteCore {
  SqliteCore(db::SqliteFile& the_file, const Clock& the_clock, const SqliteLogLimits& the_limits,
             std::function<void(Instant)> wake_at)
      : file(the_file),
        clock(the_clock),
        limits(the_limits),
        board(the_limits.fresh_bytes_max),
        groups(the_clock, std::move(wake_at)) {}

  db::SqliteFile& file;
  const Clock& clock;
  const SqliteLogLimits limits;
  SqliteTopics topics;
  SqliteBoard board;
  SqliteGroups groups;
  std::unique_ptr<SqliteReaders> readers;
  std::atomic<bool> closing{false};
  std::atomic<bool> has_generation{false};
  Offset next_offset = 0;  // the writer's
};

}  // namespace sluice::log
