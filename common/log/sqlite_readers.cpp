#include "common/log/sqlite_readers.hpp"

#include <optional>

namespace sluice::log {

Result<std::unique_ptr<SqliteReaders>> SqliteReaders::open(const db::SqliteFile& file, std::size_t threads,
                                                           std::size_t queue_max) {
  auto readers = std::make_unique<SqliteReaders>(queue_max);
  for (std::size_t i = 0; i < threads; ++i) {
    auto reader = SqliteReader::open(file);
    if (!reader) return fail(std::move(reader).error());
    readers->readers_.push_back(std::move(*reader));
  }
  for (auto& reader : readers->readers_) {
    readers->threads_.emplace_back("log-reader", [self = readers.get(), &reader = *reader] { self->work(reader); });
  }
  return readers;
}

Done SqliteReaders::put(Job job, std::size_t queue_max) {
  Done submitted;
  queue_.change([&](Queue& queue) {
    if (queue.closed) {
      submitted = fail(Kind::stopping, "the log is closed");
    } else if (queue.jobs.size() >= queue_max) {
      submitted = fail(Kind::overloaded, "too many reads of the log are waiting");
    } else {
      queue.jobs.push_back(std::move(job));
    }
  });
  return submitted;
}

void SqliteReaders::work(SqliteReader& reader) {
  while (true) {
    auto job = queue_.wait([](const Queue& queue) { return queue.closed || !queue.jobs.empty(); },
                           [](Queue& queue) {
                             std::optional<Job> next;
                             if (queue.jobs.empty()) return next;
                             next = std::move(queue.jobs.front());
                             queue.jobs.pop_front();
                             return next;
                           });
    if (!job) return;
    (*job)(reader);
  }
}

void SqliteReaders::refuse() {
  queue_.change([](Queue& queue) { queue.closed = true; });
}

void SqliteReaders::close() {
  refuse();
  for (auto& thread : threads_) thread.join();
}

}  // namespace sluice::log
