// What passes from a member's poll thread to the loop of its consumer: what is to be told, in order, within bounds; and
// which partitions are whose just now. Both sides use it under its lock; next() and what follows belong to the loop.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/signal.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

class KafkaHandover : public std::enable_shared_from_this<KafkaHandover> {
 public:
  // `poke` wakes the poll thread, from any thread.
  KafkaHandover(Loop& loop, const Clock& clock, const Subscription& subscription, std::function<void()> poke);

  // --- On the poll thread ---

  // New epochs for what is now ours, and the notice of it.
  using Start = std::pair<Partition, std::optional<Committed>>;
  void assign(std::vector<Start> partitions);

  // How much more of a partition may be put. When it is nothing, or less than `bytes_needed`, there are no records in
  // it and poke() comes as soon as there is room again.
  struct Room {
    std::size_t records = 0;
    std::size_t bytes = 0;
    bool first = false;  // nothing of it is there yet: the first record may be of any size
  };
  Room room(const Partition& partition, std::size_t bytes_needed);

  // A batch of a partition, and the end if it was reached behind it.
  struct Batch {
    std::vector<Record> records;
    std::size_t bytes = 0;
    std::optional<Offset> end;
  };
  void put(const Partition& partition, Batch batch);

  void revoke(Instant deadline);  // nothing more is delivered; commits are taken until release or take_away()
  [[nodiscard]] bool all_released() const;
  void take_away();          // everything is gone; what was not released is told as lost
  void tell(Notice notice);  // Broken or Closed
  [[nodiscard]] bool is_current(const Partition& partition, Epoch epoch) const;
  [[nodiscard]] std::optional<Instant> unattended_since() const;  // something is to be told and nobody asks

  // --- On the loop ---

  Task<Notice> next();
  void pause(const Partition& partition);
  void resume(const Partition& partition);
  void release(const std::vector<Partition>& partitions);
  [[nodiscard]] bool may_commit(const Partition& partition, Epoch epoch) const;

 private:
  struct Lane {
    Partition partition;
    Epoch epoch = 0;
    Batch ready;
    bool paused = false;
    bool full = false;  // while paused
    bool revoking = false;
    bool released = false;

    [[nodiscard]] bool anything() const { return !ready.records.empty() || ready.end.has_value(); }
  };

  std::optional<Notice> take();
  Notice take_from(Lane& lane);
  Lane* find(const Partition& partition);
  [[nodiscard]] const Lane* find(const Partition& partition) const;
  void begin_unpaused(const Assigned& assigned);
  void go_on(Lane& lane);
  void line_up(Lane& lane);
  void step_out(Lane& lane);
  void drop_ready(Lane& lane);
  void push(Notice notice);
  void arrived(bool anything_before);  // wakes the loop, when somebody waits there
  [[nodiscard]] bool anything() const { return !notices_.empty() || !turns_.empty(); }

  Loop& loop_;
  const Clock& clock_;
  const std::size_t records_max_;  // of one partition, and of one batch
  const std::size_t bytes_max_;
  const std::size_t total_bytes_max_;  // of all partitions that are not paused
  const std::function<void()> poke_;

  mutable std::mutex mutex_;
  std::map<Partition, Lane> lanes_;
  std::deque<Lane*> turns_;  // lanes with something to deliver, none of them paused
  std::deque<Notice> notices_;
  std::size_t flowing_bytes_ = 0;  // ready in those lanes
  bool starving_ = false;          // the poll thread waits for room
  bool closed_ = false;
  bool waiting_ = false;  // somebody is in next()
  bool called_ = false;   // the loop was asked to look
  Instant attended_{};    // when somebody asked last, or something was to be told after nothing was

  Signal changed_;  // on the loop
};

}  // namespace sluice::log
