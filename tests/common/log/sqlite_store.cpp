#include "tests/common/log/sqlite_store.hpp"

#include <future>
#include <utility>

#include <fmt/format.h>

#include "common/base/ensure.hpp"

namespace sluice::log {

namespace {

class AnyJob final : public db::WriteJob {
 public:
  AnyJob(db::SqliteFile& file, std::function<Done(db::StatementCache&)> what) : file_(file), what_(std::move(what)) {}

  std::future<Done> outcome() { return outcome_.get_future(); }
  Done run(sqlite3* /*file*/) override { return what_(file_.statements()); }
  void finished(Done outcome) override { outcome_.set_value(std::move(outcome)); }

 private:
  db::SqliteFile& file_;
  std::function<Done(db::StatementCache&)> what_;
  std::promise<Done> outcome_;
};

}  // namespace

SqliteStore::SqliteStore(Loop& loop, Clock& clock, SqliteLogLimits limits, db::SqliteLimits file_limits)
    : loop_(loop), clock_(clock), limits_(limits), file_limits_(file_limits), path_(folder_ / "sluice-0.db") {
  open();
}

void SqliteStore::close() {
  log_.reset();
  database_.reset();
  file_.reset();
}

void SqliteStore::open() {
  auto file = db::SqliteFile::open(path_, file_limits_);
  ENSURE(file.has_value(), file.error().sentence.c_str());
  file_ = std::move(*file);
  database_ = std::make_unique<db::SqliteDatabase>(*file_);
  auto log = SqliteLog::open(*file_, loop_, clock_, limits_);
  ENSURE(log.has_value(), log.error().sentence.c_str());
  log_ = std::move(*log);
}

void SqliteStore::open(SqliteLogLimits limits, db::SqliteLimits file_limits) {
  limits_ = limits;
  file_limits_ = file_limits;
  open();
}

// Copied on the writer's thread in the middle of a transaction: nothing else writes meanwhile, and what isn't committed
// is as lost as after a SIGKILL.
void SqliteStore::crash() {
  const auto copy = folder_ / fmt::format("sluice-{}.db", ++incarnation_);
  const auto copied = write([&](db::StatementCache&) -> Done {
    for (const auto* suffix : {"", "-wal"}) {
      const auto from = path_.string() + suffix;
      if (std::filesystem::exists(from)) std::filesystem::copy_file(from, copy.string() + suffix);
    }
    return {};
  });
  ENSURE(copied.has_value(), "the file is copied");
  close();
  path_ = copy;
  open();
}

Done SqliteStore::write(std::function<Done(db::StatementCache&)> what) {
  auto job = std::make_unique<AnyJob>(*file_, std::move(what));
  auto outcome = job->outcome();
  ENSURE(file_->submit(std::move(job)), "the writer takes a job");
  return outcome.get();
}

void SqliteStore::change(std::string_view text, std::vector<std::int64_t> values) {
  const auto done = write([&](db::StatementCache& statements) -> Done {
    auto statement = statements.prepare(text);
    if (!statement) return fail(std::move(statement).error());
    for (std::size_t i = 0; i < values.size(); ++i) statement->bind_integer(static_cast<int>(i + 1), values[i]);
    return statement->run();
  });
  ENSURE(done.has_value(), done.error().sentence.c_str());
}

std::int64_t SqliteStore::number(std::string_view text) {
  std::int64_t number = 0;
  const auto done = write([&](db::StatementCache& statements) -> Done {
    auto statement = statements.prepare(text);
    if (!statement) return fail(std::move(statement).error());
    auto row = statement->step();
    if (!row) return fail(std::move(row).error());
    number = statement->integer(0);
    return {};
  });
  ENSURE(done.has_value(), done.error().sentence.c_str());
  return number;
}

}  // namespace sluice::log
