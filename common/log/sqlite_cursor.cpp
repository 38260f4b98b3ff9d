#include "common/log/sqlite_cursor.hpp"

#include <algorithm>

#include "common/base/ensure.hpp"

namespace sluice::log {

Cursor::Cursor(Assignment assignment, PartitionId id, const std::atomic<Offset>& end)
    : partition_(std::move(assignment.partition)),
      id_(id),
      epoch_(assignment.epoch),
      end_(end),
      next_(assignment.committed ? assignment.committed->watermark : 0) {}

void Cursor::accept(std::vector<Record> records, std::optional<Offset> nothing_below) {
  ENSURE(ready_.empty(), "only a hungry cursor is fed");
  if (nothing_below) next_ = std::max(next_, *nothing_below);
  if (records.empty()) return;
  next_ = std::max(next_, records.back().offset() + 1);
  for (const auto& record : records) held_bytes_ += record.bytes();
  ready_ = std::move(records);
}

std::uint64_t Cursor::ask() {
  asking_ = true;
  return course_;
}

bool Cursor::is_answer(std::uint64_t asked) {
  if (asked != course_) return false;
  asking_ = false;
  return true;
}

std::optional<Notice> Cursor::take() {
  if (is_still()) return std::nullopt;
  if (!ready_.empty()) {
    held_bytes_ = 0;
    return Records{partition_, epoch_, std::exchange(ready_, {})};
  }
  if (!is_end_due()) return std::nullopt;
  end_told_ = next_;
  return ReachedEnd{partition_, epoch_, next_};
}

void Cursor::pause() {
  paused_ = true;
  let_go();
}

void Cursor::revoke() {
  revoked_ = true;
  let_go();
}

void Cursor::let_go() {
  ++course_;
  asking_ = false;
  if (ready_.empty()) return;
  next_ = ready_.front().offset();
  ready_.clear();
  held_bytes_ = 0;
}

}  // namespace sluice::log
