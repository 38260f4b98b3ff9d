#include "common/log/kafka_handover.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "common/base/ensure.hpp"

namespace sluice::log {
namespace {

// One counter for the whole process, since epochs rise per group and partition whichever log they were given by.
Epoch next_epoch() {
  static std::atomic<Epoch> last{0};
  return ++last;
}

}  // namespace

KafkaHandover::KafkaHandover(Loop& loop, const Clock& clock, const Subscription& subscription,
                             std::function<void()> poke)
    : loop_(loop),
      clock_(clock),
      records_max_(std::max<std::size_t>(1, subscription.batch_records_max)),
      bytes_max_(subscription.batch_bytes_max),
      total_bytes_max_(2 * subscription.batch_bytes_max),
      poke_(std::move(poke)) {}

// --- On the poll thread
// --------------------------------------------------------------------------------------------------

void KafkaHandover::assign(std::vector<Start> partitions) {
  const std::scoped_lock lock(mutex_);
  ENSURE(lanes_.empty(), "what was assigned before is taken away first");
  Assigned notice;
  for (auto& [partition, committed] : partitions) {
    auto& lane = lanes_[partition];
    lane.partition = partition;
    lane.epoch = next_epoch();
    notice.partitions.push_back({std::move(partition), lane.epoch, std::move(committed)});
  }
  push(std::move(notice));
}

KafkaHandover::Room KafkaHandover::room(const Partition& partition, std::size_t bytes_needed) {
  const std::scoped_lock lock(mutex_);
  auto* lane = find(partition);
  if (!lane || lane->released) return {};
  const auto& ready = lane->ready;
  const bool crowded = !lane->paused && flowing_bytes_ >= total_bytes_max_;
  const Room room{records_max_ - std::min(records_max_, ready.records.size()),
                  bytes_max_ - std::min(bytes_max_, ready.bytes), ready.records.empty()};
  if (!crowded && room.records > 0 && (room.first || room.bytes >= std::max<std::size_t>(bytes_needed, 1))) return room;
  (lane->paused ? lane->full : starving_) = true;
  return {};
}

void KafkaHandover::put(const Partition& partition, Batch batch) {
  const std::scoped_lock lock(mutex_);
  auto* lane = find(partition);
  if (!lane || lane->released) return;
  const bool before = anything();
  auto& ready = lane->ready;
  if (!batch.records.empty()) ready.end.reset();  // it is reached anew
  if (batch.end) ready.end = batch.end;
  ready.bytes += batch.bytes;
  if (ready.records.empty()) {
    ready.records = std::move(batch.records);
  } else {
    std::ranges::move(batch.records, std::back_inserter(ready.records));
  }
  if (lane->paused) return;
  flowing_bytes_ += batch.bytes;
  line_up(*lane);
  arrived(before);
}

void KafkaHandover::revoke(Instant deadline) {
  const std::scoped_lock lock(mutex_);
  Revoking notice{{}, deadline};
  for (auto& [partition, lane] : lanes_) {
    lane.revoking = true;
    drop_ready(lane);
    notice.partitions.push_back(partition);
  }
  push(std::move(notice));
}

bool KafkaHandover::all_released() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::all_of(lanes_, [](const auto& each) { return each.second.released; });
}

void KafkaHandover::take_away() {
  const std::scoped_lock lock(mutex_);
  Lost notice;
  for (const auto& [partition, lane] : lanes_) {
    if (!lane.released) notice.partitions.push_back(partition);
  }
  turns_.clear();
  flowing_bytes_ = 0;
  lanes_.clear();
  if (!notice.partitions.empty()) push(std::move(notice));
}

void KafkaHandover::tell(Notice notice) {
  const std::scoped_lock lock(mutex_);
  if (std::holds_alternative<Closed>(notice)) closed_ = true;
  push(std::move(notice));
}

bool KafkaHandover::is_current(const Partition& partition, Epoch epoch) const {
  const std::scoped_lock lock(mutex_);
  const auto* lane = find(partition);
  return lane && lane->epoch == epoch;
}

std::optional<Instant> KafkaHandover::unattended_since() const {
  const std::scoped_lock lock(mutex_);
  if (waiting_ || !anything()) return std::nullopt;
  return attended_;
}

// --- On the loop
// ---------------------------------------------------------------------------------------------------------

Task<Notice> KafkaHandover::next() {
  struct Waiting {  // what next() is in until it returns or is cancelled
    KafkaHandover& handover;
    ~Waiting() {
      const std::scoped_lock lock(handover.mutex_);
      handover.waiting_ = false;
    }
  };
  for (;;) {
    auto notice = take();
    if (notice) co_return std::move(*notice);
    const Waiting waiting{*this};
    co_await changed_.wait();
  }
}

// Nothing there means that whoever asked now waits.
std::optional<Notice> KafkaHandover::take() {
  std::unique_lock lock(mutex_);
  attended_ = clock_.now();
  if (!notices_.empty()) {
    auto notice = std::move(notices_.front());
    notices_.pop_front();
    if (const auto* assigned = std::get_if<Assigned>(&notice)) begin_unpaused(*assigned);
    return notice;
  }
  if (!turns_.empty()) {
    auto notice = take_from(*turns_.front());
    const bool room_again = std::exchange(starving_, false);
    lock.unlock();
    if (room_again) poke_();
    return notice;
  }
  if (closed_) return Closed{};
  waiting_ = true;
  return std::nullopt;
}

Notice KafkaHandover::take_from(Lane& lane) {
  turns_.pop_front();
  if (lane.ready.records.empty()) {
    const auto end = *std::exchange(lane.ready.end, std::nullopt);
    return ReachedEnd{lane.partition, lane.epoch, end};
  }
  Records notice{lane.partition, lane.epoch, std::exchange(lane.ready.records, {})};
  flowing_bytes_ -= std::exchange(lane.ready.bytes, 0);
  if (lane.anything()) turns_.push_back(&lane);
  return notice;
}

void KafkaHandover::pause(const Partition& partition) {
  const std::scoped_lock lock(mutex_);
  auto* lane = find(partition);
  if (!lane || lane->paused) return;
  step_out(*lane);
  lane->paused = true;
}

void KafkaHandover::resume(const Partition& partition) {
  const std::scoped_lock lock(mutex_);
  auto* lane = find(partition);
  if (lane && lane->paused) go_on(*lane);
}

void KafkaHandover::release(const std::vector<Partition>& partitions) {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& partition : partitions) {
      auto* lane = find(partition);
      if (!lane || !lane->revoking) continue;  // else it was assigned anew, and the owner doesn't know yet
      drop_ready(*lane);
      lane->released = true;
    }
  }
  poke_();
}

bool KafkaHandover::may_commit(const Partition& partition, Epoch epoch) const {
  const std::scoped_lock lock(mutex_);
  const auto* lane = find(partition);
  return lane && lane->epoch == epoch && !lane->released;
}

// --- Under the lock
// ------------------------------------------------------------------------------------------------------

KafkaHandover::Lane* KafkaHandover::find(const Partition& partition) {
  const auto found = lanes_.find(partition);
  return found == lanes_.end() ? nullptr : &found->second;
}

const KafkaHandover::Lane* KafkaHandover::find(const Partition& partition) const {
  const auto found = lanes_.find(partition);
  return found == lanes_.end() ? nullptr : &found->second;
}

// What the owner paused before he was told of an assignment was the one before it.
void KafkaHandover::begin_unpaused(const Assigned& assigned) {
  for (const auto& assignment : assigned.partitions) {
    auto* lane = find(assignment.partition);
    if (lane && lane->epoch == assignment.epoch && lane->paused) go_on(*lane);
  }
}

void KafkaHandover::go_on(Lane& lane) {
  const bool before = anything();
  lane.paused = false;
  flowing_bytes_ += lane.ready.bytes;
  if (std::exchange(lane.full, false)) starving_ = true;
  if (!lane.anything()) return;
  line_up(lane);
  arrived(before);
}

void KafkaHandover::line_up(Lane& lane) {
  if (std::ranges::find(turns_, &lane) == turns_.end()) turns_.push_back(&lane);
}

void KafkaHandover::step_out(Lane& lane) {
  std::erase(turns_, &lane);
  if (!lane.paused) flowing_bytes_ -= lane.ready.bytes;
}

void KafkaHandover::drop_ready(Lane& lane) {
  step_out(lane);
  lane.ready = {};
}

void KafkaHandover::push(Notice notice) {
  const bool before = anything();
  notices_.push_back(std::move(notice));
  arrived(before);
}

void KafkaHandover::arrived(bool anything_before) {
  if (!anything_before) attended_ = clock_.now();
  if (!waiting_ || called_) return;
  called_ = true;
  loop_.post([self = shared_from_this()] {
    {
      const std::scoped_lock lock(self->mutex_);
      self->called_ = false;
    }
    self->changed_.notify_all();
  });
}

}  // namespace sluice::log
