#include "common/db/sqlite_writer.hpp"

#include <algorithm>
#include <thread>

#include <sqlite3.h>

#include "common/base/ensure.hpp"
#include "common/db/sqlite_open.hpp"

namespace sluice::db {
namespace {

int wal_grew(void* wal_pages, sqlite3* /*file*/, const char* /*database*/, int pages) {
  static_cast<std::atomic<std::int64_t>*>(wal_pages)->store(pages, std::memory_order_relaxed);
  return SQLITE_OK;
}

void count(std::atomic<std::uint64_t>& figure, std::uint64_t by = 1) {
  figure.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

SqliteWriter::SqliteWriter(std::filesystem::path path, SqliteLimits limits, Connection connection,
                           SqliteTransaction transaction)
    : path_(std::move(path)),
      limits_(limits),
      connection_(std::move(connection)),
      transaction_(std::move(transaction)),
      statements_(connection_.get()) {
  sqlite3_wal_hook(connection_.get(), wal_grew, &counts_.wal_pages);
  thread_ = Thread("sqlite-writer", [this] { serve(); });
}

SqliteWriter::~SqliteWriter() {
  close();
}

void SqliteWriter::close() {
  {
    const std::scoped_lock lock(bell_->mutex);
    closed_ = true;
  }
  bell_->ring();
  std::call_once(joined_, [this] { thread_.join(); });
}

void SqliteWriter::Bell::ring() {
  {
    const std::scoped_lock lock(mutex);
    rings = true;
  }
  rung.notify_one();
}

// Also when the loop goes before its turn is over: what others have queued meanwhile counts on it.
struct SqliteWriter::RingsAtTheEnd {
  explicit RingsAtTheEnd(std::shared_ptr<Bell> its_bell) : bell(std::move(its_bell)) {}
  RingsAtTheEnd(RingsAtTheEnd&&) = default;
  RingsAtTheEnd& operator=(RingsAtTheEnd&&) = delete;
  RingsAtTheEnd(const RingsAtTheEnd&) = delete;
  RingsAtTheEnd& operator=(const RingsAtTheEnd&) = delete;
  ~RingsAtTheEnd() {
    if (bell) bell->ring();
  }

  std::shared_ptr<Bell> bell;
};

bool SqliteWriter::submit(std::unique_ptr<WriteJob> job) {
  const auto bytes = job->bytes();
  auto* turn = job->waits_for_its_turn() ? Loop::here() : nullptr;
  bool wake = false;
  {
    const std::scoped_lock lock(bell_->mutex);
    const bool fits =
        queue_.size() < limits_.queue_jobs_max && (queue_.empty() || queue_bytes_ + bytes <= limits_.queue_bytes_max);
    if (closed_ || !fits) return false;
    queue_.push_back({std::move(job), bytes});
    queue_bytes_ += bytes;
    wake = std::exchange(sleeping_, false);
  }
  // What a loop submits in one turn travels together: woken at the first of it, the thread would make a group of that
  // alone, and all the others would wait for one more write to the disk. Who may block its loop wakes it in any case.
  if (turn == nullptr) {
    bell_->ring();
    return true;
  }
  if (wake) {
    turn->post([turn, end = RingsAtTheEnd{bell_}] { turn->stay_awake(); });  // the drain that runs it is no answer
  } else {
    turn->stay_awake();
  }
  return true;
}

Failure SqliteWriter::refusal() const {
  const std::scoped_lock lock(bell_->mutex);
  if (closed_) return {Kind::stopping, "the file is closed"};
  return {Kind::overloaded, "too much waits to be written: come again later"};
}

void SqliteWriter::tell(Loop& loop, Work what) {
  auto told = std::ranges::find(told_, &loop, &Told::loop);
  if (told == told_.end()) told = told_.insert(told_.end(), Told{&loop, {}});
  told->works.push_back(std::move(what));
}

SqliteFigures SqliteWriter::figures() const {
  return {.groups = counts_.groups,
          .jobs = counts_.jobs,
          .jobs_failed = counts_.jobs_failed,
          .checkpoints = counts_.checkpoints,
          .checkpoints_failed = counts_.checkpoints_failed,
          .wal_pages = counts_.wal_pages};
}

Result<SqliteFile::Connection> SqliteWriter::open_reader() const {
  return open_reading(path_, limits_);
}

void SqliteWriter::serve() {
  Group group;
  while (take(group)) {
    write(group);
    finish(group);
    checkpoint_when_due();
  }
}

// Who writes one thing after the other comes back within microseconds. Falling asleep and being woken would cost it as
// much as the write itself, so the thread stays awake for about as long, and leaves the core to whoever wants it.
void SqliteWriter::look_out() const {
  constexpr int looks = 200;
  for (int look = 0; look < looks && !bell_->rings.load(std::memory_order_acquire); ++look) std::this_thread::yield();
}

bool SqliteWriter::take(Group& group) {
  std::unique_lock lock(bell_->mutex);
  while (queue_.empty()) {
    if (closed_) return false;
    sleeping_ = true;
    bell_->rings = false;
    lock.unlock();
    look_out();
    lock.lock();
    bell_->rung.wait(lock, [this] { return bell_->rings.load() || closed_; });
    sleeping_ = false;
  }
  std::size_t bytes = 0;
  while (!queue_.empty() && group.size() < limits_.group_jobs_max && bytes < limits_.group_bytes_max) {
    bytes += queue_.front().bytes;
    group.push_back({std::move(queue_.front().job)});
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return true;
}

void SqliteWriter::write(Group& group) {
  auto written = write_all(group);
  if (written) return;
  // What a job of the group found may rest on what an earlier one of it had written, which is gone now: so all of them
  // fail with what undid the group.
  transaction_.roll_back();
  for (auto& member : group) member.outcome = written;
}

Done SqliteWriter::write_all(Group& group) {
  auto begun = transaction_.begin();
  if (!begun) return begun;
  const bool alone = group.size() == 1;
  for (auto& member : group) {
    auto ran = run(member, alone);
    if (!ran) return ran;
  }
  if (alone && !group.front().outcome) return group.front().outcome;
  return transaction_.commit();
}

// Fails when the group cannot go on. A job that is alone needs no savepoint: the transaction itself undoes it.
Done SqliteWriter::run(Member& member, bool alone) {
  const bool saved = !alone && member.job->needs_savepoint();
  if (saved) {
    auto save = transaction_.save();
    if (!save) return save;
  }
  member.outcome = member.job->run(connection_.get());
  if (!transaction_.open()) {
    ENSURE(!member.outcome, "a job ended the transaction of its group");
    return member.outcome;
  }
  if (!saved) return {};
  return member.outcome ? transaction_.keep() : transaction_.undo();
}

void SqliteWriter::finish(Group& group) {
  count(counts_.groups);
  count(counts_.jobs, group.size());
  for (auto& member : group) {
    if (!member.outcome) count(counts_.jobs_failed);
    member.job->finished(std::move(member.outcome));
  }
  group.clear();
  for (auto& told : told_) {
    told.loop->post([works = std::move(told.works)]() mutable {
      for (auto& work : works) work();
    });
  }
  told_.clear();
}

// After the answers, so that only the next group waits for it. The usual way leaves running readers alone and does
// what it can. When the WAL has grown to four times its bound all the same, readers have overlapped without a pause:
// then it lets them pass, for a moment, and new ones begin without the WAL.
void SqliteWriter::checkpoint_when_due() {
  const auto pages = counts_.wal_pages.load(std::memory_order_relaxed);
  if (pages < wal_pages_before_) checkpoint_at_ = limits_.wal_pages_max;  // the WAL has begun anew
  wal_pages_before_ = pages;
  if (pages < checkpoint_at_) return;
  checkpoint_at_ = pages + std::max<std::int64_t>(1, limits_.wal_pages_max / 4);
  const bool grown = pages >= 4 * limits_.wal_pages_max;
  auto* file = connection_.get();
  int in_wal = 0;
  int written_back = 0;
  if (grown) sqlite3_busy_timeout(file, static_cast<int>(limits_.checkpoint_wait_max.count()));
  const int code = sqlite3_wal_checkpoint_v2(
      file, "main", grown ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &in_wal, &written_back);
  if (grown) sqlite3_busy_timeout(file, static_cast<int>(limits_.busy_wait_max.count()));
  count(code == SQLITE_OK && written_back == in_wal ? counts_.checkpoints : counts_.checkpoints_failed);
}

}  // namespace sluice::db
