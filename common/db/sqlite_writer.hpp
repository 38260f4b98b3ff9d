// The one thread that writes to the file: takes what is queued, makes one transaction of it, answers, tidies the WAL.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "common/async/thread.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/db/sqlite_transaction.hpp"

namespace sluice::db {

class SqliteWriter final : public SqliteFile {
 public:
  SqliteWriter(std::filesystem::path path, SqliteLimits limits, Connection connection, SqliteTransaction transaction);
  ~SqliteWriter() override;

  [[nodiscard]] bool submit(std::unique_ptr<WriteJob> job) override;
  [[nodiscard]] Failure refusal() const override;
  [[nodiscard]] StatementCache& statements() override { return statements_; }
  void tell(Loop& loop, Work what) override;
  [[nodiscard]] Notices& notices() override { return notices_; }
  [[nodiscard]] SqliteFigures figures() const override;
  [[nodiscard]] Result<Connection> open_reader() const override;
  void close() override;

 private:
  struct Queued {
    std::unique_ptr<WriteJob> job;
    std::size_t bytes;
  };
  struct Member {
    std::unique_ptr<WriteJob> job;
    Done outcome = {};
  };
  using Group = std::vector<Member>;
  struct Told {
    Loop* loop;
    std::vector<Work> works;
  };
  struct Counts {
    std::atomic<std::uint64_t> groups{0};
    std::atomic<std::uint64_t> jobs{0};
    std::atomic<std::uint64_t> jobs_failed{0};
    std::atomic<std::uint64_t> checkpoints{0};
    std::atomic<std::uint64_t> checkpoints_failed{0};
    std::atomic<std::int64_t> wal_pages{0};
  };

  // What wakes the thread. A loop may still be about to do so when the writer is gone.
  struct Bell {
    void ring();
    std::mutex mutex;
    std::condition_variable rung;
    std::atomic<bool> rings{false};  // changed under the mutex
  };
  struct RingsAtTheEnd;

  void serve();
  bool take(Group& group);  // waits; false when closed and empty
  void look_out() const;
  void write(Group& group);
  Done write_all(Group& group);
  Done run(Member& member, bool alone);
  void finish(Group& group);
  void checkpoint_when_due();

  const std::filesystem::path path_;
  const SqliteLimits limits_;

  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::deque<Queued> queue_;  // guarded by the bell's mutex, as are the next three
  std::size_t queue_bytes_ = 0;
  bool sleeping_ = false;
  bool closed_ = false;

  // The writer thread's own.
  Connection connection_;
  SqliteTransaction transaction_;
  StatementCache statements_;
  std::vector<Told> told_;  // by the jobs of this group that have finished
  std::int64_t wal_pages_before_ = 0;
  std::int64_t checkpoint_at_ = limits_.wal_pages_max;  // pages in the WAL

  Notices notices_;
  Counts counts_;

  std::once_flag joined_;
  Thread thread_;
};

}  // namespace sluice::db
