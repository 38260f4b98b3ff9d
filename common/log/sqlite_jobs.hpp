// What the log asks of the writer. Each job does its work inside the group's transaction and gives its answer when that
// is durable.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/async/reply.hpp"
#include "common/log/sqlite_core.hpp"

namespace sluice::log {

// Gives a job to the writer; when it is refused, the failure says why and the job has not run.
Done submit(db::SqliteFile& file, std::unique_ptr<db::WriteJob> job);

using NewRows = std::vector<std::shared_ptr<NewRow>>;

// Numbers the rows and inserts them.
Done insert_rows(SqliteCore& core, const NewRows& rows);
std::vector<Offset> offsets_of(const NewRows& rows);
std::size_t bytes_of(const NewRows& rows);

// A commit whose partition is known and whose metadata is legal.
struct CommitRow {
  Commit commit;
  PartitionId partition = 0;
};
Done check_metadata(std::string_view metadata);

// Stale when the epoch is not in force, in the groups' own memory or by what the row says.
Done write_commit(SqliteCore& core, const CommitRow& row);

// A job whose answer is a T: work() makes it inside the transaction, done() follows once it is durable.
template <class T>
class AnsweringJob : public db::WriteJob {
 public:
  AnsweringJob(std::shared_ptr<SqliteCore> core, Loop& loop)
      : core_(std::move(core)), loop_(loop), reply_(Reply<Result<T>>::on(loop)) {}

  [[nodiscard]] const std::shared_ptr<Reply<Result<T>>>& reply() const { return reply_; }
  [[nodiscard]] bool waits_for_its_turn() const final { return true; }

  Done run(sqlite3* /*file*/) final {
    auto answer = work();
    if (!answer) return fail(std::move(answer).error());
    answer_ = std::make_unique<T>(std::move(*answer));
    return {};
  }

  void finished(Done outcome) final {
    if (!outcome) return give(fail(std::move(outcome).error()));
    done(*answer_);
    // Moving the answer as a pointer keeps the letter small enough to need no memory of its own.
    core_->file.tell(loop_,
                     [reply = std::move(reply_), answer = std::move(answer_)] { reply->give(std::move(*answer)); });
  }

 protected:
  virtual Result<T> work() = 0;
  virtual void done(const T& /*answer*/) {}

  [[nodiscard]] SqliteCore& core() { return *core_; }

 private:
  void give(tl::unexpected<Failure> failure) {
    core_->file.tell(loop_, [reply = std::move(reply_), failure = std::move(failure)] { reply->give(failure); });
  }

  std::shared_ptr<SqliteCore> core_;
  Loop& loop_;
  std::shared_ptr<Reply<Result<T>>> reply_;
  std::unique_ptr<T> answer_;
};

// Submits it and waits for its answer.
template <class T>
Task<Result<T>> answer_of(db::SqliteFile& file, std::unique_ptr<AnsweringJob<T>> job) {
  auto reply = job->reply();
  auto submitted = submit(file, std::move(job));
  if (!submitted) co_return fail(std::move(submitted).error());
  auto answer = co_await reply->wait();
  co_return answer;
}

class AppendJob final : public AnsweringJob<std::vector<Offset>> {
 public:
  AppendJob(std::shared_ptr<SqliteCore> core, Loop& loop, NewRows rows);

  [[nodiscard]] std::size_t bytes() const override { return bytes_; }
  [[nodiscard]] bool needs_savepoint() const override { return rows_.size() > 1; }

 private:
  Result<std::vector<Offset>> work() override;
  void done(const std::vector<Offset>& offsets) override;

  NewRows rows_;
  std::size_t bytes_;
};

// Outputs, changes and commits, all or none.
class AtomicJob final : public AnsweringJob<std::vector<Offset>> {
 public:
  AtomicJob(std::shared_ptr<SqliteCore> core, Loop& loop, NewRows rows, db::Batch changes,
            std::vector<CommitRow> commits);

  [[nodiscard]] std::size_t bytes() const override { return bytes_; }

 private:
  Result<std::vector<Offset>> work() override;
  void done(const std::vector<Offset>& offsets) override;

  NewRows rows_;
  db::Batch changes_;
  std::vector<CommitRow> commits_;
  std::size_t bytes_;
};

// Each commit for itself; answers with the first that was refused.
class CommitJob final : public AnsweringJob<Done> {
 public:
  CommitJob(std::shared_ptr<SqliteCore> core, Loop& loop, std::vector<CommitRow> commits);

  [[nodiscard]] bool needs_savepoint() const override { return commits_.size() > 1; }

 private:
  Result<Done> work() override;

  std::vector<CommitRow> commits_;
};

class CreateTopicsJob final : public AnsweringJob<std::vector<Topic>> {
 public:
  CreateTopicsJob(std::shared_ptr<SqliteCore> core, Loop& loop, std::vector<TopicSpec> specs);

 private:
  Result<std::vector<Topic>> work() override;
  void done(const std::vector<Topic>& created) override;

  std::vector<TopicSpec> specs_;
};

// The next generation of epochs.
class GenerationJob final : public AnsweringJob<std::int64_t> {
 public:
  using AnsweringJob::AnsweringJob;

 private:
  Result<std::int64_t> work() override;
  void done(const std::int64_t& generation) override;
};

// Does nothing; when it answers, everything that was submitted before it has been answered.
class BarrierJob final : public AnsweringJob<bool> {
 public:
  using AnsweringJob::AnsweringJob;
  [[nodiscard]] bool needs_savepoint() const override { return false; }

 private:
  Result<bool> work() override { return true; }
};

}  // namespace sluice::log
