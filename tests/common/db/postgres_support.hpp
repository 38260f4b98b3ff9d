// What the tests of PostgreSQL stand on: the server that scripts/test has started, a database of their own in it, a
// blocking connection for what happens behind our back, and a server that may be killed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/clock_real.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/db/postgres_database.hpp"
#include "common/db/postgres_handles.hpp"
#include "tests/support/run.hpp"

namespace sluice::db {

// They throw, naming scripts/test, when there is none.
std::string postgres_url_of_tests();
std::string postgres_url_of_storms();

// The same URL with another database, and with one more parameter.
std::string with_database(const std::string& url, std::string_view database);
std::string with_parameter(const std::string& url, std::string_view parameter);

// Blocks, and throws on any error: the test fails with what the server said.
class PostgresAdmin {
 public:
  explicit PostgresAdmin(const std::string& url);
  std::vector<std::vector<std::string>> ask(const std::string& sql);
  std::string ask_one(const std::string& sql);  // the first field of the first row, empty without one
  void wait_until(const std::string& sql);      // asks until the answer is true

 private:
  PgConnection connection_;
};

// Created empty, dropped at the end whoever is still connected.
class FreshDatabase {
 public:
  explicit FreshDatabase(std::string server_url);
  FreshDatabase(const FreshDatabase&) = delete;
  FreshDatabase& operator=(const FreshDatabase&) = delete;
  ~FreshDatabase();
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  std::string server_url_;
  std::string name_;
  std::string url_;
};

// The one that the tests of this process share.
const FreshDatabase& database_of_tests();

// Created empty, dropped at the end. Much faster than a database.
class FreshSchema {
 public:
  explicit FreshSchema(std::string database_url);
  FreshSchema(const FreshSchema&) = delete;
  FreshSchema& operator=(const FreshSchema&) = delete;
  ~FreshSchema();
  [[nodiscard]] const std::string& url() const { return url_; }  // unqualified names are of this schema
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string database_url_;
  std::string name_;
  std::string url_;
};

// A server of this test alone, made by scripts/postgres.
class PrivatePostgres {
 public:
  PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;
  ~PrivatePostgres();

  [[nodiscard]] const std::string& url() const { return url_; }
  void restart();  // a crash, and back on its data
  void kill();
  void start();

 private:
  std::string call(const std::string& verb);
  std::string name_;
  std::string url_;
};

// One loop in real time, with an own schema and one PostgresDatabase on it. The schema's name is the application's too.
struct PostgresWorld {
  explicit PostgresWorld(PostgresSettings settings = {})
      : PostgresWorld(database_of_tests().url(), std::move(settings)) {}
  PostgresWorld(const std::string& database_url, PostgresSettings settings);

  std::unique_ptr<PostgresDatabase> open(PostgresSettings settings);

  template <class T>
  T run(Task<T> task) {
    return run_task(loop, std::move(task));
  }
  Result<std::vector<Rows>> run(Batch batch) { return run(db->run(std::move(batch))); }
  Result<Rows> read(Statement statement) { return run(db->read(std::move(statement))); }

  // All at once; the answers in the order of the tasks.
  template <class T>
  std::vector<T> run_all(std::vector<Task<T>> tasks);

  FreshSchema schema;
  PostgresAdmin admin;
  Loop loop;
  RealClock clock{loop};
  SystemRandom random;
  std::unique_ptr<PostgresDatabase> db;
};

namespace detail {
template <class T>
Task<> keep(std::vector<std::optional<T>>& results, std::size_t place, Task<T> task) {
  auto result = co_await std::move(task);
  results[place].emplace(std::move(result));
}
Task<> run_together(Loop& loop, std::vector<Task<>> tasks);
}  // namespace detail

template <class T>
std::vector<T> PostgresWorld::run_all(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> results(tasks.size());
  std::vector<Task<>> keeping;
  keeping.reserve(tasks.size());
  for (std::size_t place = 0; place < tasks.size(); ++place)
    keeping.push_back(detail::keep(results, place, std::move(tasks[place])));
  run(detail::run_together(loop, std::move(keeping)));
  std::vector<T> answers;
  answers.reserve(results.size());
  for (auto& result : results) answers.push_back(std::move(*result));
  return answers;
}

}  // namespace sluice::db
