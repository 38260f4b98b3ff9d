#include "common/db/sqlite_database.hpp"

#include <utility>

#include <boost/asio/this_coro.hpp>

#include "common/async/reply.hpp"
#include "common/base/ensure.hpp"
#include "common/db/values.hpp"

namespace sluice::db {
namespace {

Failure closed() {
  return {Kind::stopping, "the database is closed"};
}

// A job whose answer goes to a task on a loop.
template <class T>
class Call : public WriteJob {
 public:
  Call(SqliteFile& file, Loop& loop, UnderWay::Ticket ticket)
      : file_(file), loop_(loop), ticket_(std::move(ticket)), reply_(Reply<Result<T>>::on(loop)) {}

  [[nodiscard]] std::shared_ptr<Reply<Result<T>>> reply() const { return reply_; }
  [[nodiscard]] bool waits_for_its_turn() const final { return true; }

  Done run(sqlite3* /*file*/) final {
    answer_ = execute(file_);
    if (!answer_) return fail(answer_.error());
    return {};
  }

  void finished(Done outcome) final {
    if (outcome) {
      committed(file_);
    } else {
      answer_ = fail(std::move(outcome).error());
    }
    file_.tell(loop_, [reply = std::move(reply_), answer = std::move(answer_), ticket = std::move(ticket_)]() mutable {
      reply->give(std::move(answer));
    });
  }

 protected:
  virtual Result<T> execute(SqliteFile& file) = 0;
  virtual void committed(SqliteFile& /*file*/) {}

 private:
  SqliteFile& file_;
  Loop& loop_;
  UnderWay::Ticket ticket_;
  std::shared_ptr<Reply<Result<T>>> reply_;
  Result<T> answer_;
};

class BatchCall final : public Call<std::vector<Rows>> {
 public:
  BatchCall(SqliteFile& file, Loop& loop, UnderWay::Ticket ticket, Batch batch)
      : Call(file, loop, std::move(ticket)), batch_(std::move(batch)) {}

  [[nodiscard]] std::size_t bytes() const override { return bytes_of(batch_); }
  [[nodiscard]] bool needs_savepoint() const override { return db::needs_savepoint(batch_); }

 private:
  Result<std::vector<Rows>> execute(SqliteFile& file) override { return run_batch(file.statements(), batch_); }
  void committed(SqliteFile& file) override {
    for (const auto& channel : batch_.notices) file.notices().tell(channel);
  }

  Batch batch_;
};

class RowCall final : public Call<Rows> {
 public:
  RowCall(SqliteFile& file, Loop& loop, UnderWay::Ticket ticket, std::shared_ptr<RowWriter> rows, RowWrite write)
      : Call(file, loop, std::move(ticket)), rows_(std::move(rows)), write_(std::move(write)) {}

  [[nodiscard]] std::size_t bytes() const override { return bytes_of(write_.values); }
  [[nodiscard]] bool needs_savepoint() const override { return false; }

 private:
  Result<Rows> execute(SqliteFile& /*file*/) override { return rows_->write(write_); }

  std::shared_ptr<RowWriter> rows_;
  RowWrite write_;
};

template <class T>
Task<Result<T>> answer_of(SqliteFile& file, std::unique_ptr<Call<T>> call) {
  const auto reply = call->reply();
  if (!file.submit(std::move(call))) co_return fail(file.refusal());
  auto waiting = reply->wait();
  auto answer = co_await std::move(waiting);
  co_return answer;
}

}  // namespace

SqliteDatabase::SqliteDatabase(SqliteFile& file, SqliteReadLimits limits)
    : file_(file),
      rows_(std::make_shared<RowWriter>(file.statements())),
      offload_(limits.readers, limits.queue_max, "sqlite-reader") {}

SqliteDatabase::~SqliteDatabase() = default;

Task<Result<std::vector<Rows>>> SqliteDatabase::run(Batch batch) {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  auto checked = check(batch);
  if (!checked) co_return fail(std::move(checked).error());
  auto ticket = under_way_.enter();
  if (!ticket) co_return fail(closed());
  std::unique_ptr<Call<std::vector<Rows>>> call =
      std::make_unique<BatchCall>(file_, loop, std::move(*ticket), std::move(batch));
  auto answering = answer_of(file_, std::move(call));
  auto answer = co_await std::move(answering);
  co_return answer;
}

Task<Result<Rows>> SqliteDatabase::write_row(RowWrite write) {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  auto checked = check(write.values);
  if (!checked) co_return fail(std::move(checked).error());
  auto ticket = under_way_.enter();
  if (!ticket) co_return fail(closed());
  std::unique_ptr<Call<Rows>> call =
      std::make_unique<RowCall>(file_, loop, std::move(*ticket), rows_, std::move(write));
  auto answering = answer_of(file_, std::move(call));
  auto answer = co_await std::move(answering);
  co_return answer;
}

Task<Result<Rows>> SqliteDatabase::read(Statement statement) {
  auto checked = check(statement.values);
  if (!checked) co_return fail(std::move(checked).error());
  const auto ticket = under_way_.enter();
  if (!ticket) co_return fail(closed());
  auto reading = offload_.run([this, &statement] { return read_now(statement); });
  auto rows = co_await std::move(reading);
  co_return rows;
}

Result<Rows> SqliteDatabase::read_now(const Statement& statement) {
  auto reader = take_reader();
  if (!reader) return fail(std::move(reader).error());
  auto rows = run_read((*reader)->statements, statement);
  idle_.with([&](auto& idle) { idle.push_back(std::move(*reader)); });
  return rows;
}

Result<std::unique_ptr<SqliteDatabase::Reader>> SqliteDatabase::take_reader() {
  auto reader = idle_.with([](auto& idle) {
    if (idle.empty()) return std::unique_ptr<Reader>{};
    auto last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  if (reader) return reader;
  auto connection = file_.open_reader();
  if (!connection) return fail(std::move(connection).error());
  return std::make_unique<Reader>(std::move(*connection));
}

std::unique_ptr<Listening> SqliteDatabase::listen(std::string channel, std::function<void()> heard) {
  auto* loop = Loop::here();
  ENSURE(loop != nullptr, "listen() was called outside of a loop");
  return file_.notices().listen(*loop, std::move(channel), std::move(heard));
}

Task<> SqliteDatabase::close() {
  auto closing = under_way_.close();
  co_await std::move(closing);
  offload_.stop();  // nothing is left in it, so this doesn't block
}

}  // namespace sluice::db
