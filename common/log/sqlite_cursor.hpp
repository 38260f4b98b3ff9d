// How far one consumer is in one partition: what was fetched for it, what was delivered, and what to fetch next.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/log/log.hpp"
#include "common/log/sqlite_rows.hpp"

namespace sluice::log {

// On the consumer's loop; only `end` is moved by others.
class Cursor {
 public:
  Cursor(Assignment assignment, PartitionId id, const std::atomic<Offset>& end);

  [[nodiscard]] const Partition& partition() const { return partition_; }
  [[nodiscard]] PartitionId id() const { return id_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] Offset next() const { return next_; }
  [[nodiscard]] Offset end() const { return end_.load(); }

  // Whether there is something to fetch, and it is neither asked for nor here.
  [[nodiscard]] bool is_hungry() const { return !is_still() && !asking_ && ready_.empty() && next_ < end(); }
  // Whether take() has something to tell.
  [[nodiscard]] bool has_news() const { return !is_still() && (!ready_.empty() || is_end_due()); }

  // Records from next() on and, when they were the last, how far it is known that nothing else is there.
  void accept(std::vector<Record> records, std::optional<Offset> nothing_below);

  // Between the two, is_hungry() is false. An answer is accepted unless the cursor was paused or revoked meanwhile.
  std::uint64_t ask();
  bool is_answer(std::uint64_t asked);

  std::optional<Notice> take();

  // What was fetched is let go, and will be fetched again.
  void pause();
  void resume() { paused_ = false; }
  void revoke();  // nothing more is delivered
  [[nodiscard]] bool is_revoked() const { return revoked_; }

  [[nodiscard]] std::size_t held_records() const { return ready_.size(); }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

  bool listed = false;  // stands in the consumer's list of those that have news

 private:
  [[nodiscard]] bool is_still() const { return paused_ || revoked_; }
  [[nodiscard]] bool is_end_due() const { return ready_.empty() && next_ >= end() && end_told_ != next_; }
  void let_go();

  Partition partition_;
  PartitionId id_;
  Epoch epoch_;
  const std::atomic<Offset>& end_;
  Offset next_;  // the first that was not fetched
  Offset end_told_ = -1;
  bool paused_ = false;
  bool revoked_ = false;
  bool asking_ = false;
  std::uint64_t course_ = 0;  // changes when what was fetched or asked for is let go
  std::vector<Record> ready_;
  std::size_t held_bytes_ = 0;
};

}  // namespace sluice::log
