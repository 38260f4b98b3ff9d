// How a consumer comes by its records: what was committed is looked up when a partition is granted, and then rows are
// fetched from memory or from the file.
#include <algorithm>
#include <utility>

#include "common/log/sqlite_consumer.hpp"
#include "common/log/sqlite_jobs.hpp"

namespace sluice::log {

namespace {

void take_off(ReadLimits& room, std::size_t records, std::size_t bytes) {
  room.records_max -= std::min(room.records_max, records);
  room.bytes_max -= std::min(room.bytes_max, bytes);
}
void take_off(ReadLimits& room, const Cursor& cursor) {
  take_off(room, cursor.held_records(), cursor.held_bytes());
}

}  // namespace

// Looks by the writer's connection: whatever the former owner committed has been written or will be refused by now, so
// no commit that is answered with success is overlooked.
class SqliteDelivery::LookUpJob final : public db::WriteJob {
 public:
  LookUpJob(std::shared_ptr<SqliteCore> core, std::shared_ptr<Mailbox<SqliteDelivery>> mailbox, std::string group,
            std::vector<Assignment> assignments)
      : core_(std::move(core)),
        mailbox_(std::move(mailbox)),
        group_(std::move(group)),
        assignments_(std::move(assignments)) {}

  [[nodiscard]] bool needs_savepoint() const override { return false; }

  Done run(sqlite3* /*file*/) override {
    for (auto& assignment : assignments_) {
      const auto partition = core_->topics.id_of(assignment.partition);
      if (!partition) return fail(partition.error());
      auto committed = find_committed(core_->file.statements(), group_, *partition);
      if (!committed) return fail(std::move(committed).error());
      assignment.committed = std::move(*committed);
    }
    return {};
  }

  void finished(Done outcome) override {
    mailbox_->post([outcome = std::move(outcome), found = std::move(assignments_)](SqliteDelivery& delivery) mutable {
      if (!outcome) return delivery.broken(std::move(outcome).error());
      delivery.looked_up(std::move(found));
    });
  }

 private:
  std::shared_ptr<SqliteCore> core_;
  std::shared_ptr<Mailbox<SqliteDelivery>> mailbox_;
  std::string group_;
  std::vector<Assignment> assignments_;
};

void SqliteDelivery::granted(const std::vector<Grant>& grants) {
  std::vector<Assignment> assignments;
  for (const auto& grant : grants) {
    for (const auto& topic : subscription_.topics) {
      assignments.push_back({.partition = {topic, grant.number}, .epoch = grant.epoch, .committed = {}});
    }
  }
  looking_up_.insert(looking_up_.end(), grants.begin(), grants.end());
  auto submitted =
      submit(core_->file, std::make_unique<LookUpJob>(core_, mailbox_, subscription_.group, std::move(assignments)));
  if (!submitted) broken(std::move(submitted).error().while_doing("looking up what was committed"));
}

void SqliteDelivery::looked_up(std::vector<Assignment> assignments) {
  std::erase_if(assignments, [this](const Assignment& found) {  // what was revoked meanwhile
    return std::ranges::find(looking_up_, found.epoch, &Grant::epoch) == looking_up_.end();
  });
  if (assignments.empty()) return;
  say(Assigned{assignments});
  for (auto& assignment : assignments) {
    std::erase_if(looking_up_, [&](const Grant& grant) { return grant.epoch == assignment.epoch; });
    const auto id = *core_->topics.id_of(assignment.partition);
    watch(id);
    auto& cursor = cursors_.try_emplace(id, std::move(assignment), id, core_->board.end_of(id)).first->second;
    list_if_news(cursor);
  }
  fill();
}

void SqliteDelivery::news() {
  fill();
}

// Starts behind the partition that was served last, so that none is left behind when the room doesn't suffice for all.
void SqliteDelivery::fill() {
  auto room = room_left();
  std::vector<Asked> asked;
  auto each = cursors_.upper_bound(turn_);
  for (std::size_t i = 0; i < cursors_.size(); ++i, ++each) {
    if (each == cursors_.end()) each = cursors_.begin();
    auto& cursor = each->second;
    list_if_news(cursor);
    if (!cursor.is_hungry()) continue;
    if (room.records_max == 0 || room.bytes_max == 0) break;
    if (feed_from_memory(cursor, room) || reading_) continue;
    asked.push_back({.partition = cursor.id(),
                     .epoch = cursor.epoch(),
                     .from = cursor.next(),
                     .end = cursor.end(),
                     .course = cursor.ask(),
                     .found = {}});
  }
  if (!asked.empty()) read(std::move(asked));
}

ReadLimits SqliteDelivery::room_left() const {
  ReadLimits room = batch_limits();
  for (const auto& [id, cursor] : cursors_) take_off(room, cursor);
  return room;
}

bool SqliteDelivery::feed_from_memory(Cursor& cursor, ReadLimits& room) {
  const auto rows = core_->board.fresh(cursor.id(), cursor.next(), batch_limits());
  if (rows.empty()) return false;
  std::vector<HeaderView> scratch;
  std::vector<Record> records;
  records.reserve(rows.size());
  for (const auto& row : rows) records.push_back(record_of(*row, scratch));
  cursor.accept(std::move(records), {});
  turn_ = cursor.id();
  take_off(room, cursor);
  list_if_news(cursor);
  return true;
}

void SqliteDelivery::read(std::vector<Asked> asked) {
  reading_ = true;
  auto job = [asked = std::make_shared<std::vector<Asked>>(std::move(asked)), mailbox = mailbox_,
              limits = batch_limits()](SqliteReader& reader) {
    auto outcome = read_all(reader, *asked, limits);
    mailbox->post([asked, outcome = std::move(outcome)](SqliteDelivery& delivery) {
      delivery.fetched(std::move(*asked), outcome);
    });
  };
  auto submitted = core_->readers->submit(std::move(job));
  if (!submitted) broken(std::move(submitted).error().while_doing("reading the log"));
}

// As many as the limits allow, in the order in which they were asked for.
Done SqliteDelivery::read_all(SqliteReader& reader, std::vector<Asked>& asked, ReadLimits left) {
  auto begun = reader.begin();
  if (!begun) return begun;
  for (auto& each : asked) {
    auto stretch = reader.read(each.partition, each.from, left);
    if (!stretch) {
      reader.end();
      return fail(std::move(stretch).error().while_doing("reading the log"));
    }
    for (const auto& record : stretch->records) take_off(left, 1, record.bytes());
    each.found = std::move(*stretch);
    if (left.records_max == 0 || left.bytes_max == 0) break;
  }
  reader.end();
  return {};
}

void SqliteDelivery::fetched(std::vector<Asked> asked, const Done& outcome) {
  reading_ = false;
  if (!outcome) return broken(outcome.error());
  for (auto& each : asked) {
    const auto found = cursors_.find(each.partition);
    if (found == cursors_.end() || found->second.epoch() != each.epoch) continue;
    auto& cursor = found->second;
    if (!cursor.is_answer(each.course) || !each.found) continue;
    turn_ = each.partition;
    std::optional<Offset> nothing_below;
    if (each.found->reached_end) nothing_below = each.end;
    cursor.accept(std::move(each.found->records), nothing_below);
    list_if_news(cursor);
  }
  fill();
}

}  // namespace sluice::log
