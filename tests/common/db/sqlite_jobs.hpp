// Jobs for the writer of an SQLite file whose groups a test decides.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/guarded.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/db/sqlite_open.hpp"

namespace sluice::db {

inline std::unique_ptr<SqliteFile> open_file(const std::filesystem::path& path, SqliteLimits limits = {}) {
  auto file = SqliteFile::open(path, limits);
  if (!file) FAIL(file.error().sentence);
  return std::move(*file);
}

// What the jobs of a test did, in order.
using Story = Guarded<std::vector<std::string>>;
inline void tell(Story& story, std::string what) {
  story.change([&](auto& lines) { lines.push_back(std::move(what)); });
}
inline std::vector<std::string> told(Story& story) {
  return story.with([](const auto& lines) { return lines; });
}

class TestJob final : public WriteJob {
 public:
  TestJob(std::function<Done(sqlite3*)> run, std::function<void(Done)> finished)
      : run_(std::move(run)), finished_(std::move(finished)) {}

  Done run(sqlite3* file) override { return run_(file); }
  void finished(Done outcome) override {
    if (finished_) finished_(std::move(outcome));
  }
  [[nodiscard]] std::size_t bytes() const override { return bytes_; }
  [[nodiscard]] bool needs_savepoint() const override { return savepoint_; }

  std::size_t bytes_ = 0;
  bool savepoint_ = true;

 private:
  std::function<Done(sqlite3*)> run_;
  std::function<void(Done)> finished_;
};

// A job that executes a text, and the future of its outcome.
struct Submitted {
  std::unique_ptr<TestJob> job;
  std::future<Done> outcome;
};
inline Submitted executing(std::string text) {
  auto promise = std::make_shared<std::promise<Done>>();
  auto outcome = promise->get_future();
  auto job = std::make_unique<TestJob>([text = std::move(text)](sqlite3* file) { return execute(file, text); },
                                       [promise](Done done) { promise->set_value(std::move(done)); });
  return {std::move(job), std::move(outcome)};
}
inline std::future<Done> submit(SqliteFile& file, std::string text) {
  auto submitted = executing(std::move(text));
  REQUIRE(file.submit(std::move(submitted.job)));
  return std::move(submitted.outcome);
}
inline Done run_now(SqliteFile& file, std::string text) {
  return submit(file, std::move(text)).get();
}

// Keeps the writer busy until it is opened: whatever is submitted meanwhile makes one group.
class Gate {
 public:
  explicit Gate(SqliteFile& file) {
    const auto reached = std::make_shared<std::promise<void>>();
    auto entered = reached->get_future();
    auto wait = [reached, opened = opened_.get_future().share()](sqlite3*) {
      reached->set_value();
      opened.wait();
      return Done{};
    };
    REQUIRE(file.submit(std::make_unique<TestJob>(wait, nullptr)));
    entered.wait();
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { open(); }

  void open() {
    if (!std::exchange(is_open_, true)) opened_.set_value();
  }

 private:
  std::promise<void> opened_;
  bool is_open_ = false;
};

// The first value of the first row, seen by a connection of its own.
inline std::string seen_in(SqliteFile& file, std::string_view text) {
  auto reader = file.open_reader();
  if (!reader) FAIL(reader.error().sentence);
  auto value = first_text(reader->get(), text);
  return value ? *value : value.error().sentence;
}

}  // namespace sluice::db
