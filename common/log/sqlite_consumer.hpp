// A member of a group as its user sees it: notices in order, records of the partitions that it holds.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/async/signal.hpp"
#include "common/log/sqlite_core.hpp"
#include "common/log/sqlite_cursor.hpp"
#include "common/log/sqlite_mailbox.hpp"

namespace sluice::log {

// What stands behind a consumer. On its loop's thread; what other threads have to say comes through the mailbox.
//
// It holds at most two batches of fetched records, and one more while one is being read. Partitions with something new
// take turns.
class SqliteDelivery : public std::enable_shared_from_this<SqliteDelivery> {
 public:
  SqliteDelivery(std::shared_ptr<SqliteCore> core, Loop& loop, Subscription subscription);
  SqliteDelivery(const SqliteDelivery&) = delete;
  SqliteDelivery& operator=(const SqliteDelivery&) = delete;
  ~SqliteDelivery();

  Done join(std::int32_t partitions);

  Task<Notice> next();
  void pause(const Partition& partition);
  void resume(const Partition& partition);
  Task<Done> commit(std::vector<Commit> commits);
  void release(const std::vector<Partition>& partitions);
  void close();

  void news();  // some partition may have grown

 private:
  class Ear;  // hears on other threads and passes on
  class LookUpJob;
  struct Asked {
    PartitionId partition = 0;
    Epoch epoch = 0;
    Offset from = 0;
    Offset end = 0;  // of the partition, when it was asked
    std::uint64_t course = 0;
    std::optional<Stretch> found;  // none: its turn did not come
  };

  void granted(const std::vector<Grant>& grants);
  void looked_up(std::vector<Assignment> assignments);
  void revoked(const std::vector<std::int32_t>& numbers, Instant deadline);
  void taken(const std::vector<std::int32_t>& numbers);
  void left();
  void broken(Failure failure);

  void begin_unpaused(const Assigned& assigned);
  void say(Notice notice);
  std::optional<Notice> take();
  void list_if_news(Cursor& cursor);
  void fill();
  bool feed_from_memory(Cursor& cursor, ReadLimits& room);
  void read(std::vector<Asked> asked);
  static Done read_all(SqliteReader& reader, std::vector<Asked>& asked, ReadLimits left);
  void fetched(std::vector<Asked> asked, const Done& outcome);
  [[nodiscard]] ReadLimits batch_limits() const {
    return {subscription_.batch_records_max, subscription_.batch_bytes_max};
  }
  [[nodiscard]] ReadLimits room_left() const;  // of what may stand fetched
  Cursor* find(const Partition& partition);
  void watch(PartitionId partition);
  void let_go(Cursor& cursor);
  bool let_go_of_look_up(std::int32_t number);
  std::vector<Partition> partitions_of(const std::vector<std::int32_t>& numbers) const;

  std::shared_ptr<SqliteCore> core_;
  const Subscription subscription_;
  std::shared_ptr<Mailbox<SqliteDelivery>> mailbox_;
  std::unique_ptr<Ear> ear_;
  std::optional<MemberId> member_;
  std::vector<Grant> looking_up_;  // granted, and what was committed is being asked
  std::map<PartitionId, Cursor> cursors_;
  std::deque<PartitionId> listed_;  // with something to tell, each once
  std::deque<Notice> notices_;      // before any records
  Signal something_;
  bool reading_ = false;
  bool awaited_ = false;
  bool leaving_ = false;
  bool broken_ = false;
  bool closed_ = false;
  PartitionId turn_ = 0;  // which was served last
};

class SqliteConsumer final : public Consumer {
 public:
  explicit SqliteConsumer(std::shared_ptr<SqliteDelivery> delivery) : delivery_(std::move(delivery)) {}

  Task<Notice> next() override { return delivery_->next(); }
  void pause(const Partition& partition) override { delivery_->pause(partition); }
  void resume(const Partition& partition) override { delivery_->resume(partition); }
  Task<Done> commit(std::vector<Commit> commits) override { return delivery_->commit(std::move(commits)); }
  void release(const std::vector<Partition>& partitions) override { delivery_->release(partitions); }
  void close() override { delivery_->close(); }

 private:
  std::shared_ptr<SqliteDelivery> delivery_;
};

}  // namespace sluice::log
