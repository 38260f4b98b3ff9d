// A few threads with a reading connection each, so that no loop ever waits for the disk.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/async/guarded.hpp"
#include "common/async/reply.hpp"
#include "common/async/thread.hpp"
#include "common/log/sqlite_reader.hpp"

namespace sluice::log {

// From any thread.
class SqliteReaders {
 public:
  using Job = std::function<void(SqliteReader&)>;

  static Result<std::unique_ptr<SqliteReaders>> open(const db::SqliteFile& file, std::size_t threads,
                                                     std::size_t queue_max);
  explicit SqliteReaders(std::size_t queue_max) : queue_max_(queue_max) {}
  ~SqliteReaders() { close(); }

  // Runs once on one of the threads; refused only when all is closed. Each consumer has one job at most, so these need
  // no bound of their own.
  Done submit(Job job) { return put(std::move(job), std::numeric_limits<std::size_t>::max()); }

  // What f(reader) answers, a Result, on the caller's loop. Overloaded when too many are waiting.
  template <class F, class Answer = std::invoke_result_t<F, SqliteReader&>>
  Task<Answer> ask(F f) {
    auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
    auto reply = Reply<Answer>::on(loop);
    auto submitted =
        put([reply, f = std::move(f)](SqliteReader& reader) mutable { reply->give_from(f(reader)); }, queue_max_);
    if (!submitted) co_return fail(std::move(submitted).error());
    auto answer = co_await reply->wait();
    co_return answer;
  }

  void refuse();  // what is queued still runs, nothing more is taken
  void close();   // and waits for what is queued. A second time does nothing.

 private:
  struct Queue {
    std::deque<Job> jobs;
    bool closed = false;
  };

  Done put(Job job, std::size_t queue_max);
  void work(SqliteReader& reader);

  const std::size_t queue_max_;
  Guarded<Queue> queue_;
  std::vector<std::unique_ptr<SqliteReader>> readers_;
  std::vector<Thread> threads_;
};

}  // namespace sluice::log
