#include "common/db/postgres_database.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/this_coro.hpp>

#include "common/async/reply.hpp"
#include "common/base/ensure.hpp"
#include "common/db/postgres_listen.hpp"
#include "common/db/postgres_pool.hpp"
#include "common/db/postgres_rows.hpp"
#include "common/db/postgres_url.hpp"
#include "common/db/postgres_wire.hpp"
#include "common/db/under_way.hpp"
#include "common/db/values.hpp"

namespace sluice::db {
namespace {

constexpr std::size_t channel_bytes_max = 63;  // an identifier's
constexpr const char* notify_text = "SELECT pg_notify($1, '')";

bool is_any(const Expect& expect) {
  const auto any = Expect::any();
  return expect.rows_min == any.rows_min && expect.rows_max == any.rows_max;
}

bool is_channel(std::string_view name) {
  return !name.empty() && name.size() <= channel_bytes_max && name.find('\0') == std::string_view::npos &&
         is_utf8(name);
}

Done check(const Statement& statement) {
  if (statement.values.size() > parameters_max) return fail(Kind::ours, "a statement has at most 65,535 parameters");
  auto closed = check_closed(statement.sql.for_postgres());
  if (!closed) return closed;
  return check(statement.values);
}

Done check_all(const Batch& batch) {
  for (const auto& statement : batch.statements) {
    auto checked = check(statement);
    if (!checked) return checked;
  }
  if (!std::all_of(batch.notices.begin(), batch.notices.end(), is_channel))
    return fail(Kind::ours, "a channel's name is text of 1 to 63 bytes");
  return {};
}

PostgresJobPtr job_of(Batch batch) {
  auto job = std::make_unique<PostgresJob>();
  const bool judged = std::any_of(batch.statements.begin(), batch.statements.end(),
                                  [](const Statement& statement) { return !is_any(statement.expect); });
  for (auto& statement : batch.statements) {
    job->commands.push_back({statement.sql.for_postgres(), std::move(statement.values)});
    if (judged) job->expectations.push_back(statement.expect);
  }
  for (auto& channel : batch.notices) {
    job->commands.push_back({notify_text, {std::move(channel)}});
    if (judged) job->expectations.push_back(Expect::any());
  }
  return job;
}

PostgresPoolLimits limits_of(const PostgresSettings& settings) {
  return {.connections_max = settings.connections_max,
          .connection = {.jobs_max = settings.in_flight_max, .silence_max = settings.silence_max},
          .connect_wait_max = settings.connect_wait_max,
          .away_wait_max = settings.away_wait_max,
          .queue_wait_max = settings.queue_wait_max,
          .reconnect_pause_min = settings.reconnect_pause_min,
          .reconnect_pause_max = settings.reconnect_pause_max};
}

PostgresSession session_of(const PostgresSettings& settings) {
  return {settings.application_name, settings.statement_wait_max, settings.lock_wait_max};
}

Failure closed() {
  return {Kind::stopping, "the database is closed"};
}

// The way back to a caller, on whichever loop it waits.
template <class T>
struct Caller {
  Caller(Loop& its_loop, UnderWay::Ticket its_ticket)
      : loop(its_loop), reply(Reply<Result<T>>::on(its_loop)), ticket(std::move(its_ticket)) {}

  void answer(Result<T> result) {
    if (Loop::here() == &loop) {
      reply->give(std::move(result));
    } else {
      reply->give_from(std::move(result));
    }
  }

  Loop& loop;
  std::shared_ptr<Reply<Result<T>>> reply;
  UnderWay::Ticket ticket;
};

}  // namespace

class PostgresDatabase::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Loop& loop, Clock& clock, Random& random, const PostgresTarget& target, const PostgresSettings& settings)
      : loop_(loop),
        calls_max_(settings.calls_max),
        calls_bytes_max_(settings.calls_bytes_max),
        target_(target),
        limits_(limits_of(settings)),
        rows_(loop, pool_, settings.rows_max),
        pool_(loop, clock, random, target, limits_),
        listener_(loop, clock, random, target_, limits_) {}

  // Hands `submit(core, finished)` to the database's loop and waits for what `finished` is given.
  template <class T, class Submit>
  Task<Result<T>> call(std::size_t bytes, Submit submit) {
    auto& caller_loop = Loop::of(co_await boost::asio::this_coro::executor);
    auto ticket = under_way_.enter();
    if (!ticket) co_return fail(closed());
    const auto caller = std::make_shared<Caller<T>>(caller_loop, std::move(*ticket));
    const auto reply = caller->reply;
    auto begin = [core = weak_from_this(), caller, bytes, its_submit = std::move(submit)]() mutable {
      if (const auto self = core.lock()) {
        self->admit(std::move(caller), bytes, std::move(its_submit));
      } else {
        caller->answer(fail(closed()));
      }
    };
    if (&caller_loop == &loop_) {
      begin();
    } else {
      loop_.post(std::move(begin));
    }
    auto waiting = reply->wait();  // from here on this object may be gone
    auto result = co_await std::move(waiting);
    co_return result;
  }

  Task<> close() {
    auto leaving = under_way_.close();
    co_await std::move(leaving);
    auto& caller_loop = Loop::of(co_await boost::asio::this_coro::executor);
    const auto done = Reply<bool>::on(caller_loop);
    auto end = [this, self = shared_from_this(), done] {
      pool_.close_connections();
      listener_.close();
      done->give_from(true);
    };
    loop_.post(std::move(end));
    auto waiting = done->wait();
    co_await std::move(waiting);
  }

  std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) {
    auto* const here = Loop::here();
    return listener_.listen(here == nullptr ? loop_ : *here, std::move(channel), std::move(heard));
  }

  void submit(PostgresJobPtr job) { pool_.submit(std::move(job)); }
  void write(RowWrite write, PostgresRows::Finished finished) { rows_.write(std::move(write), std::move(finished)); }

 private:
  template <class T, class Submit>
  void admit(std::shared_ptr<Caller<T>> caller, std::size_t bytes, Submit submit) {
    if (calls_ >= calls_max_ || bytes > calls_bytes_max_ - calls_bytes_) {
      caller->answer(fail(Kind::overloaded, fmt::format("the database has {} calls to answer", calls_)));
      return;
    }
    ++calls_;
    calls_bytes_ += bytes;
    submit(*this, [this, its_caller = std::move(caller), bytes](Result<T> result) {
      --calls_;
      calls_bytes_ -= bytes;
      its_caller->answer(std::move(result));
    });
  }

  Loop& loop_;
  std::size_t calls_max_;
  std::size_t calls_bytes_max_;
  std::size_t calls_ = 0;
  std::size_t calls_bytes_ = 0;
  UnderWay under_way_;
  PostgresTarget target_;
  PostgresPoolLimits limits_;
  PostgresRows rows_;  // before the pool, which answers its transactions in its end
  PostgresPool pool_;
  PostgresListener listener_;
};

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::open(Loop& loop, Clock& clock, Random& random,
                                                                 const PostgresSettings& settings) {
  ENSURE(settings.connections_max > 0 && settings.in_flight_max > 0 && settings.rows_max > 0,
         "a bound of the database that is zero lets nothing through");
  auto target = target_of(settings.url, session_of(settings));
  if (!target) return fail(std::move(target).error());
  return std::unique_ptr<PostgresDatabase>{
      new PostgresDatabase(std::make_shared<Core>(loop, clock, random, *target, settings))};
}

PostgresDatabase::PostgresDatabase(std::shared_ptr<Core> core) : core_(std::move(core)) {}

PostgresDatabase::~PostgresDatabase() = default;

Task<Result<std::vector<Rows>>> PostgresDatabase::run(Batch batch) {
  auto checked = check_all(batch);
  if (!checked) co_return fail(std::move(checked).error());
  if (batch.statements.empty() && batch.notices.empty()) co_return std::vector<Rows>{};
  const auto bytes = bytes_of(batch);
  const auto statements = batch.statements.size();
  auto submit = [statements, job = job_of(std::move(batch))](Core& core, auto finished) mutable {
    job->finished = [statements, its_finished = std::move(finished)](Result<std::vector<Rows>> result) {
      if (result) result->resize(statements);  // the notices' answers are nobody's
      its_finished(std::move(result));
    };
    core.submit(std::move(job));
  };
  auto calling = core_->call<std::vector<Rows>>(bytes, std::move(submit));
  auto result = co_await std::move(calling);
  co_return result;
}

Task<Result<Rows>> PostgresDatabase::read(Statement statement) {
  auto checked = check(statement);
  if (!checked) co_return fail(std::move(checked).error());
  const auto bytes = bytes_of(statement.values);
  auto job = job_of({.statements = {std::move(statement)}});
  job->reads_only = true;
  auto submit = [its_job = std::move(job)](Core& core, auto finished) mutable {
    its_job->finished = [its_finished = std::move(finished)](Result<std::vector<Rows>> result) {
      if (result) {
        its_finished(std::move(result->front()));
      } else {
        its_finished(fail(std::move(result).error()));
      }
    };
    core.submit(std::move(its_job));
  };
  auto calling = core_->call<Rows>(bytes, std::move(submit));
  auto result = co_await std::move(calling);
  co_return result;
}

Task<Result<Rows>> PostgresDatabase::write_row(RowWrite write) {
  if (write.values.size() != write.shape->columns.size())
    co_return fail(Kind::ours, fmt::format("{}: {} columns and {} values", write.shape->table,
                                           write.shape->columns.size(), write.values.size()));
  auto checked = check(write.values);
  if (!checked) co_return fail(std::move(checked).error());
  const auto bytes = bytes_of(write.values);
  auto submit = [its_write = std::move(write)](Core& core, auto finished) mutable {
    core.write(std::move(its_write), std::move(finished));
  };
  auto calling = core_->call<Rows>(bytes, std::move(submit));
  auto result = co_await std::move(calling);
  co_return result;
}

std::unique_ptr<Listening> PostgresDatabase::listen(std::string channel, std::function<void()> heard) {
  ENSURE(is_channel(channel), "a channel's name is text of 1 to 63 bytes");
  return core_->listen(std::move(channel), std::move(heard));
}

Task<> PostgresDatabase::close() {
  const auto core = core_;
  auto closing = core->close();
  co_await std::move(closing);
}

}  // namespace sluice::db
