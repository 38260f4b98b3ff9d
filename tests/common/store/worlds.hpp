// What every repository's test is played in: SQLite on a file, the simulated database and PostgreSQL, each with the
// schema of this build and with as many processes as a story wants.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/random.hpp"
#include "common/async/task.hpp"
#include "common/db/database.hpp"
#include "common/event/tenant.hpp"
#include "tests/support/seed.hpp"

namespace sluice::store {

namespace detail {
template <class T>
Task<> keep(std::optional<T>& kept, Task<T> task) {
  auto value = co_await std::move(task);
  kept.emplace(std::move(value));
}
}  // namespace detail

class StoreWorld {
 public:
  StoreWorld() = default;
  StoreWorld(const StoreWorld&) = delete;
  StoreWorld& operator=(const StoreWorld&) = delete;
  virtual ~StoreWorld() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual Loop& loop() = 0;
  virtual Clock& clock() = 0;
  virtual db::Database& database() = 0;
  virtual std::unique_ptr<db::Database> another() = 0;  // the same store, as another process has it
  virtual void play(Task<> story) = 0;                  // to its end; rethrows what it throws

  template <class T>
  T run(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      play(std::move(task));
    } else {
      std::optional<T> kept;
      play(detail::keep(kept, std::move(task)));
      return std::move(*kept);
    }
  }

  // What must succeed.
  template <class T>
  T sure(Task<Result<T>> task) {
    auto result = run(std::move(task));
    if (!result) FAIL(result.error().sentence);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  std::vector<db::Rows> sure(db::Statement statement);
  std::vector<db::Rows> sure(db::Batch batch) { return sure(database().run(std::move(batch))); }
  Result<std::vector<db::Rows>> run(db::Batch batch) { return run(database().run(std::move(batch))); }

  // Side by side, until all have ended.
  void run_all(std::vector<Task<>> tasks);

  [[nodiscard]] std::int64_t count(db::Sql select);  // of a SELECT count(*)

  SeededRandom random{test_seed()};
};

// Plays the story once in each world; a failure names the world.
void in_every_world(const std::function<void(StoreWorld&)>& story);

// Moments of stories, in whole milliseconds from an arbitrary beginning.
inline WallTime at(std::int64_t milliseconds) {
  return WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}} + std::chrono::milliseconds{milliseconds};
}

event::Tenant tenant(std::string_view id);

}  // namespace sluice::store
