#include "common/log/sqlite_consumer.hpp"

#include <algorithm>
#include <utility>

#include "common/base/ensure.hpp"
#include "common/log/sqlite_jobs.hpp"

namespace sluice::log {

class SqliteDelivery::Ear final : public GroupMember, public Watcher {
 public:
  Ear(db::SqliteFile& file, Loop& loop, std::shared_ptr<Mailbox<SqliteDelivery>> mailbox)
      : file_(file), loop_(loop), mailbox_(std::move(mailbox)) {}

  void hears_for(std::weak_ptr<SqliteDelivery> owner) { owner_ = std::move(owner); }

  // Once for all that a commit brings, and when all of it has been published.
  void grown() override {
    if (passing_on_->exchange(true)) return;
    file_.tell(loop_, [owner = owner_, passing_on = passing_on_] {
      *passing_on = false;
      if (const auto delivery = owner.lock()) delivery->news();
    });
  }
  void granted(std::vector<Grant> grants) override {
    mailbox_->post([grants = std::move(grants)](SqliteDelivery& delivery) { delivery.granted(grants); });
  }
  void revoked(std::vector<std::int32_t> numbers, Instant deadline) override {
    mailbox_->post(
        [numbers = std::move(numbers), deadline](SqliteDelivery& delivery) { delivery.revoked(numbers, deadline); });
  }
  void taken(std::vector<std::int32_t> numbers) override {
    mailbox_->post([numbers = std::move(numbers)](SqliteDelivery& delivery) { delivery.taken(numbers); });
  }
  void left() override {
    mailbox_->post([](SqliteDelivery& delivery) { delivery.left(); });
  }
  void broken(Failure failure) override {
    mailbox_->post([failure = std::move(failure)](SqliteDelivery& delivery) { delivery.broken(failure); });
  }

 private:
  db::SqliteFile& file_;
  Loop& loop_;
  std::shared_ptr<Mailbox<SqliteDelivery>> mailbox_;
  std::weak_ptr<SqliteDelivery> owner_;
  std::shared_ptr<std::atomic<bool>> passing_on_ = std::make_shared<std::atomic<bool>>(false);
};

SqliteDelivery::SqliteDelivery(std::shared_ptr<SqliteCore> core, Loop& loop, Subscription subscription)
    : core_(std::move(core)),
      subscription_(std::move(subscription)),
      mailbox_(std::make_shared<Mailbox<SqliteDelivery>>(loop)),
      ear_(std::make_unique<Ear>(core_->file, loop, mailbox_)) {}

SqliteDelivery::~SqliteDelivery() {
  while (!cursors_.empty()) let_go(cursors_.begin()->second);
  if (member_) core_->groups.drop(*member_);
  mailbox_->close();
}

Done SqliteDelivery::join(std::int32_t partitions) {
  mailbox_->open(weak_from_this());
  ear_->hears_for(weak_from_this());
  auto member = core_->groups.join(subscription_, partitions, *ear_);
  if (!member) return fail(std::move(member).error());
  member_ = *member;
  return {};
}

Task<Notice> SqliteDelivery::next() {
  const auto self = shared_from_this();
  ENSURE(!std::exchange(awaited_, true), "one caller at a time awaits the next notice");
  struct Over {
    bool& awaited;
    ~Over() { awaited = false; }
  } over{awaited_};
  while (true) {
    auto notice = take();
    if (notice) {
      fill();
      co_return std::move(*notice);
    }
    co_await something_.wait();
  }
}

std::optional<Notice> SqliteDelivery::take() {
  if (!notices_.empty()) {
    auto notice = std::move(notices_.front());
    if (notices_.size() > 1 || !closed_) notices_.pop_front();  // Closed is the last notice for ever
    if (const auto* assigned = std::get_if<Assigned>(&notice)) begin_unpaused(*assigned);
    return notice;
  }
  while (!listed_.empty()) {
    const auto found = cursors_.find(listed_.front());
    listed_.pop_front();
    if (found == cursors_.end()) continue;
    auto& cursor = found->second;
    cursor.listed = false;
    auto notice = cursor.take();
    list_if_news(cursor);
    if (notice) return notice;
  }
  return std::nullopt;
}

// What the owner paused before he was told of an assignment was the one before it.
void SqliteDelivery::begin_unpaused(const Assigned& assigned) {
  for (const auto& assignment : assigned.partitions) {
    auto* cursor = find(assignment.partition);
    if (cursor != nullptr && cursor->epoch() == assignment.epoch) cursor->resume();
  }
}

void SqliteDelivery::say(Notice notice) {
  notices_.push_back(std::move(notice));
  something_.notify_all();
}

void SqliteDelivery::list_if_news(Cursor& cursor) {
  if (cursor.listed || !cursor.has_news()) return;
  cursor.listed = true;
  listed_.push_back(cursor.id());
  something_.notify_all();
}

void SqliteDelivery::pause(const Partition& partition) {
  auto* cursor = find(partition);
  if (cursor == nullptr) return;
  cursor->pause();
  fill();  // what it let go made room
}

void SqliteDelivery::resume(const Partition& partition) {
  auto* cursor = find(partition);
  if (cursor == nullptr) return;
  cursor->resume();
  list_if_news(*cursor);
  fill();
}

Task<Done> SqliteDelivery::commit(std::vector<Commit> commits) {
  Done refused;
  std::vector<CommitRow> rows;
  for (auto& commit : commits) {
    auto partition = core_->topics.id_of(commit.partition);
    auto legal = check_metadata(commit.metadata);
    if (legal && !partition) legal = fail(partition.error());
    if (legal) {
      rows.push_back({std::move(commit), *partition});
    } else if (refused) {
      refused = std::move(legal);
    }
  }
  if (rows.empty()) co_return refused;
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  std::unique_ptr<AnsweringJob<Done>> job = std::make_unique<CommitJob>(core_, loop, std::move(rows));
  auto answer = co_await answer_of(core_->file, std::move(job));
  if (!answer) co_return fail(std::move(answer).error());
  co_return refused ? *answer : refused;
}

void SqliteDelivery::release(const std::vector<Partition>& partitions) {
  std::vector<std::int32_t> numbers;
  for (const auto& partition : partitions) {
    auto* cursor = find(partition);
    if (cursor == nullptr || !cursor->is_revoked()) continue;
    let_go(*cursor);
    if (partitions_of({partition.number}).empty()) numbers.push_back(partition.number);
  }
  core_->groups.release(*member_, numbers);
}

void SqliteDelivery::close() {
  leaving_ = true;
  if (broken_) return left();
  core_->groups.leave(*member_);
}

void SqliteDelivery::revoked(const std::vector<std::int32_t>& numbers, Instant deadline) {
  std::vector<std::int32_t> unknown;  // never told to the user, so nobody will release them
  for (const auto number : numbers) {
    if (let_go_of_look_up(number)) unknown.push_back(number);
  }
  auto partitions = partitions_of(numbers);
  for (const auto& partition : partitions) find(partition)->revoke();
  if (!partitions.empty()) say(Revoking{std::move(partitions), deadline});
  if (!unknown.empty()) core_->groups.release(*member_, unknown);
  fill();  // what they let go made room
}

void SqliteDelivery::taken(const std::vector<std::int32_t>& numbers) {
  for (const auto number : numbers) let_go_of_look_up(number);
  auto partitions = partitions_of(numbers);
  for (const auto& partition : partitions) let_go(*find(partition));
  if (!partitions.empty()) say(Lost{std::move(partitions)});
}

void SqliteDelivery::left() {
  if (std::exchange(closed_, true)) return;
  say(Closed{});
}

void SqliteDelivery::broken(Failure failure) {
  if (std::exchange(broken_, true) || closed_) return;
  core_->groups.drop(*member_);
  looking_up_.clear();
  std::vector<Partition> lost;
  while (!cursors_.empty()) {
    lost.push_back(cursors_.begin()->second.partition());
    let_go(cursors_.begin()->second);
  }
  if (!lost.empty()) say(Lost{std::move(lost)});
  say(Broken{std::move(failure)});
  if (leaving_) left();
}

Cursor* SqliteDelivery::find(const Partition& partition) {
  const auto id = core_->topics.id_of(partition);
  if (!id) return nullptr;
  const auto found = cursors_.find(*id);
  return found == cursors_.end() ? nullptr : &found->second;
}

void SqliteDelivery::watch(PartitionId partition) {
  core_->board.watch(partition, *ear_);
}

void SqliteDelivery::let_go(Cursor& cursor) {
  const auto id = cursor.id();
  core_->board.unwatch(id, *ear_);
  std::erase(listed_, id);
  cursors_.erase(id);
}

bool SqliteDelivery::let_go_of_look_up(std::int32_t number) {
  return std::erase_if(looking_up_, [number](const Grant& grant) { return grant.number == number; }) > 0;
}

std::vector<Partition> SqliteDelivery::partitions_of(const std::vector<std::int32_t>& numbers) const {
  std::vector<Partition> partitions;
  for (const auto& [id, cursor] : cursors_) {
    if (std::ranges::find(numbers, cursor.partition().number) != numbers.end())
      partitions.push_back(cursor.partition());
  }
  return partitions;
}

}  // namespace sluice::log
