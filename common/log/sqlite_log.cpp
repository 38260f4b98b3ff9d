#include "common/log/sqlite_log.hpp"

#include <algorithm>
#include <future>
#include <utility>

#include <fmt/format.h>

#include "common/db/values.hpp"
#include "common/log/sqlite_consumer.hpp"
#include "common/log/sqlite_core.hpp"
#include "common/log/sqlite_jobs.hpp"
#include "common/log/sqlite_retention.hpp"

namespace sluice::log {

namespace {

class SchemaJob final : public db::WriteJob {
 public:
  SchemaJob(db::SqliteFile& file, std::promise<Done> made) : file_(file), made_(std::move(made)) {}
  Done run(sqlite3* /*file*/) override { return create_schema(file_.statements()); }
  void finished(Done outcome) override { made_.set_value(std::move(outcome)); }

 private:
  db::SqliteFile& file_;
  std::promise<Done> made_;
};

Done make_schema(db::SqliteFile& file) {
  std::promise<Done> made;
  auto waiting = made.get_future();
  auto submitted = submit(file, std::make_unique<SchemaJob>(file, std::move(made)));
  if (!submitted) return submitted;
  return waiting.get();
}

tl::unexpected<Failure> stopping() {
  return fail(Kind::stopping, "the log is closed");
}

Result<NewRows> rows_of(const SqliteCore& core, std::vector<Outgoing> records) {
  NewRows rows;
  rows.reserve(records.size());
  const auto now = core.clock.wall();
  for (auto& record : records) {
    const auto* topic = core.topics.find(record.topic);
    auto partition = core.topics.id_of(record.topic, record.partition);
    if (!partition) return fail(std::move(partition).error());
    const auto bytes = payload_bytes(record);
    if (bytes > core.limits.record_bytes_max)
      return fail(Kind::invalid, fmt::format("a record for {} has {} bytes; at most {} are stored", record.topic, bytes,
                                             core.limits.record_bytes_max));
    if (topic->spec.compacted && !record.key)
      return fail(Kind::invalid,
                  fmt::format("a record for {} has no key, which a compacted topic needs", record.topic));
    rows.push_back(std::make_shared<NewRow>(row_of(*partition, now, std::move(record))));
  }
  return rows;
}

Result<std::vector<CommitRow>> commit_rows(const SqliteTopics& topics, std::vector<Commit> commits) {
  std::vector<CommitRow> rows;
  for (auto& commit : commits) {
    auto partition = topics.id_of(commit.partition);
    if (!partition) return fail(std::move(partition).error());
    auto legal = check_metadata(commit.metadata);
    if (!legal) return fail(std::move(legal).error());
    rows.push_back({std::move(commit), *partition});
  }
  return rows;
}

// The number of partitions that all of its topics have.
Result<std::int32_t> partitions_of(const SqliteTopics& topics, const Subscription& subscription) {
  if (subscription.group.empty() || subscription.topics.empty())
    return fail(Kind::invalid, "a subscription names a group and at least one topic");
  if (subscription.batch_records_max == 0 || subscription.batch_bytes_max == 0)
    return fail(Kind::invalid, "a batch holds at least one record and one byte");
  const auto* first = topics.find(subscription.topics.front());
  for (const auto& name : subscription.topics) {
    const auto* topic = topics.find(name);
    if (topic == nullptr) return fail(Kind::not_found, fmt::format("there is no topic {}", name));
    if (std::ranges::count(subscription.topics, name) > 1)
      return fail(Kind::invalid, fmt::format("group {} names topic {} twice", subscription.group, name));
    if (first->spec.partitions != topic->spec.partitions)
      return fail(Kind::invalid,
                  fmt::format("topics of one subscription have equal partitions, but {} has {} and {} has {}",
                              first->spec.name, first->spec.partitions, name, topic->spec.partitions));
  }
  return first->spec.partitions;
}

}  // namespace

// Wakes the groups at the earliest deadline. Lives on the home loop.
struct SqliteLog::Alarm {
  Alarm(Loop& home, Clock& clock)
      : mailbox(std::make_shared<Mailbox<Alarm>>(home)), timer(clock.timers(), [this] { due(); }) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { mailbox->close(); }

  void wake_at(Instant when) {
    if (timer.armed() && armed_for <= when) return;
    armed_for = when;
    timer.arm(when);
  }
  void due() {
    if (const auto core = woken.lock()) core->groups.expire();
  }

  std::shared_ptr<Mailbox<Alarm>> mailbox;
  Timer timer;
  Instant armed_for{};
  std::weak_ptr<SqliteCore> woken;
};

SqliteLog::SqliteLog(db::SqliteFile& file, Loop& home, Clock& clock, const Limits& limits)
    : clock_(clock), alarm_(std::make_shared<Alarm>(home, clock)) {
  alarm_->mailbox->open(alarm_);
  core_ = std::make_shared<SqliteCore>(file, clock, limits, [mailbox = alarm_->mailbox](Instant when) {
    mailbox->post([when](Alarm& alarm) { alarm.wake_at(when); });
  });
  alarm_->woken = core_;
  retention_ = std::make_unique<SqliteRetention>(core_);
}

Result<std::unique_ptr<SqliteLog>> SqliteLog::open(db::SqliteFile& file, Loop& home, Clock& clock, Limits limits) {
  auto reader = SqliteReader::open(file);
  if (!reader) return fail(std::move(reader).error());
  auto has_tables = has_schema(**reader);
  if (!has_tables) return fail(std::move(has_tables).error());
  if (!*has_tables) {
    auto made = make_schema(file);
    if (!made) return fail(std::move(made).error().while_doing("making the log's tables"));
  }
  std::unique_ptr<SqliteLog> log{new SqliteLog{file, home, clock, limits}};
  auto next_offset = load(**reader, log->core_->topics, log->core_->board);
  if (!next_offset) return fail(std::move(next_offset).error().while_doing("opening the log"));
  log->core_->next_offset = *next_offset;
  auto readers = SqliteReaders::open(file, limits.reader_threads, limits.reads_waiting_max);
  if (!readers) return fail(std::move(readers).error());
  log->core_->readers = std::move(*readers);
  return log;
}

SqliteLog::~SqliteLog() {
  core_->closing = true;
  core_->groups.break_all({Kind::stopping, "the log is closed", {}});
  if (core_->readers) core_->readers->close();
}

Task<Result<std::vector<Offset>>> SqliteLog::append(std::vector<Outgoing> records) {
  if (core_->closing) co_return stopping();
  auto rows = rows_of(*core_, std::move(records));
  if (!rows) co_return fail(std::move(rows).error());
  if (rows->empty()) co_return std::vector<Offset>{};
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  std::unique_ptr<AnsweringJob<std::vector<Offset>>> job = std::make_unique<AppendJob>(core_, loop, std::move(*rows));
  co_return co_await answer_of(core_->file, std::move(job));
}

Task<Result<std::vector<Offset>>> SqliteLog::append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                               std::vector<Commit> commits) {
  if (core_->closing) co_return stopping();
  auto rows = rows_of(*core_, std::move(records));
  if (!rows) co_return fail(std::move(rows).error());
  auto legal = db::check(changes);
  if (!legal) co_return fail(std::move(legal).error());
  auto committed = commit_rows(core_->topics, std::move(commits));
  if (!committed) co_return fail(std::move(committed).error());
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  std::unique_ptr<AnsweringJob<std::vector<Offset>>> job =
      std::make_unique<AtomicJob>(core_, loop, std::move(*rows), std::move(changes), std::move(*committed));
  co_return co_await answer_of(core_->file, std::move(job));
}

Task<Result<std::unique_ptr<Consumer>>> SqliteLog::subscribe(Subscription subscription) {
  if (core_->closing) co_return stopping();
  const auto partitions = partitions_of(core_->topics, subscription);
  if (!partitions) co_return fail(partitions.error());
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  if (!core_->has_generation) {
    std::unique_ptr<AnsweringJob<std::int64_t>> job = std::make_unique<GenerationJob>(core_, loop);
    auto generation = co_await answer_of(core_->file, std::move(job));
    if (!generation) co_return fail(std::move(generation).error());
  }
  auto delivery = std::make_shared<SqliteDelivery>(core_, loop, std::move(subscription));
  auto joined = delivery->join(*partitions);
  if (!joined) co_return fail(std::move(joined).error());
  co_return std::make_unique<SqliteConsumer>(std::move(delivery));
}

Task<Result<std::vector<Record>>> SqliteLog::read(Partition partition, Offset from, ReadLimits limits) {
  if (core_->closing) co_return stopping();
  const auto id = core_->topics.id_of(partition);
  if (!id) co_return fail(id.error());
  auto stretch = co_await core_->readers->ask(
      [id = *id, from, limits](SqliteReader& reader) { return reader.read(id, from, limits); });
  if (!stretch) co_return fail(std::move(stretch).error());
  co_return std::move(stretch->records);
}

Task<Result<Record>> SqliteLog::read_one(Partition partition, Offset offset) {
  if (core_->closing) co_return stopping();
  const auto id = core_->topics.id_of(partition);
  if (!id) co_return fail(id.error());
  auto found =
      co_await core_->readers->ask([id = *id, offset](SqliteReader& reader) { return reader.read_one(id, offset); });
  if (!found) co_return fail(std::move(found).error());
  if (!*found)
    co_return fail(Kind::not_found, fmt::format("partition {} of {} has no record with offset {}", partition.number,
                                                partition.topic, offset));
  co_return std::move(**found);
}

Task<Result<Span>> SqliteLog::span(Partition partition) {
  if (core_->closing) co_return stopping();
  const auto id = core_->topics.id_of(partition);
  if (!id) co_return fail(id.error());
  const auto& end = core_->board.end_of(*id);
  const Offset end_before = end;
  auto first = co_await core_->readers->ask([id = *id](SqliteReader& reader) { return reader.first(id); });
  if (!first) co_return fail(std::move(first).error());
  if (!*first) co_return Span{end_before, end_before};
  co_return Span{**first, std::max(end.load(), **first + 1)};
}

Task<Result<std::optional<Committed>>> SqliteLog::committed(std::string group, Partition partition) {
  if (core_->closing) co_return stopping();
  const auto id = core_->topics.id_of(partition);
  if (!id) co_return fail(id.error());
  co_return co_await core_->readers->ask([id = *id, group = std::move(group)](SqliteReader& reader) {
    return find_committed(reader.statements(), group, id);
  });
}

Task<Done> SqliteLog::create_topics(std::vector<TopicSpec> topics) {
  if (core_->closing) co_return stopping();
  for (const auto& spec : topics) {
    auto legal = check(spec);
    if (!legal) co_return legal;
  }
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  std::unique_ptr<AnsweringJob<std::vector<Topic>>> job =
      std::make_unique<CreateTopicsJob>(core_, loop, std::move(topics));
  auto created = co_await answer_of(core_->file, std::move(job));
  if (!created) co_return fail(std::move(created).error());
  co_return Done{};
}

Task<Result<std::vector<TopicInfo>>> SqliteLog::topics() {
  if (core_->closing) co_return stopping();
  std::vector<TopicInfo> infos;
  for (const auto* topic : core_->topics.all()) infos.push_back({.spec = topic->spec, .replicas = 1});
  co_return infos;
}

Task<> SqliteLog::close() {
  core_->closing = true;
  core_->groups.break_all({Kind::stopping, "the log is closed", {}});
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  std::unique_ptr<AnsweringJob<bool>> job = std::make_unique<BarrierJob>(core_, loop);
  (void)co_await answer_of(core_->file, std::move(job));  // refused, nothing is under way any more
  (void)co_await core_->readers->ask([](SqliteReader&) -> Result<bool> { return true; });
  core_->readers->refuse();
}

Task<> SqliteLog::keep(std::function<void(const Failure&)> failed) {
  while (!core_->closing) {
    co_await clock_.sleep_for(core_->limits.retention_every);
    auto removed = co_await retention_->once(&clock_);
    if (!removed && removed.error().kind != Kind::stopping) failed(removed.error());
  }
}

Task<Result<std::size_t>> SqliteLog::retain_once() {
  return retention_->once(nullptr);
}

}  // namespace sluice::log
