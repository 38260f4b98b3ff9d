#include "common/db/postgres_pool.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::db {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t overtaken_max = 3;  // tries after the first
constexpr std::size_t lost_max = 3;
constexpr Duration overtaken_pause_min = 2ms;
constexpr Duration overtaken_pause_max = 20ms;  // per try that it has had

std::int64_t milliseconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

PostgresPool::PostgresPool(Loop& loop, Clock& clock, Random& random, PostgresTarget target, PostgresPoolLimits limits)
    : loop_(loop),
      clock_(clock),
      random_(random),
      target_(std::move(target)),
      limits_(limits),
      pause_(random, limits.reconnect_pause_min, limits.reconnect_pause_max),
      next_attempt_(clock.now()),
      next_attempt_timer_(clock.timers(), [this] { dispatch(); }),
      later_timer_(clock.timers(), [this] { retry_due(); }),
      expiry_timer_(clock.timers(), [this] { expire(); }) {}

PostgresPool::~PostgresPool() {
  for (const auto& connection : connections_) {
    for (auto& [job, untouched] : connection->drop()) {
      job->finished(untouched ? fail(Kind::stopping, "the database is closed")
                              : fail(Kind::maybe_done, "the database was closed while the answer was on its way"));
    }
  }
  for (const auto& job : queue_) job->finished(fail(Kind::stopping, "the database is closed"));
  for (const auto& [due, job] : later_) job->finished(fail(Kind::stopping, "the database is closed"));
}

void PostgresPool::submit(PostgresJobPtr job) {
  enqueue(std::move(job));
  dispatch();
}

void PostgresPool::close_connections() {
  dials_.clear();
  for (const auto& connection : std::exchange(connections_, {})) connection->drop();
}

// --- Jobs that wait --------------------------------------------------------------------------------------------------

void PostgresPool::enqueue(PostgresJobPtr job) {
  job->queued_at = clock_.now();
  queue_.push_back(std::move(job));
}

void PostgresPool::dispatch() {
  while (!queue_.empty()) {
    auto* const connection = least_busy();
    if (connection == nullptr || connection->jobs() > 0) open_more();
    if (connection == nullptr) break;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    connection->take(std::move(job));
  }
  if (!queue_.empty()) expiry_timer_.arm(queue_.front()->queued_at + wait_max());
}

PostgresConnection* PostgresPool::least_busy() {
  PostgresConnection* best = nullptr;
  for (const auto& connection : connections_) {
    if (best != nullptr && connection->jobs() >= best->jobs()) continue;
    if (!connection->can_take()) continue;
    best = connection.get();
    if (best->jobs() == 0) break;
  }
  return best;
}

Duration PostgresPool::wait_max() const {
  return connections_.empty() ? limits_.away_wait_max : limits_.queue_wait_max;
}

void PostgresPool::expire() {
  while (!queue_.empty() && queue_.front()->queued_at + wait_max() <= clock_.now()) {
    const auto job = std::move(queue_.front());
    queue_.pop_front();
    job->finished(fail(no_connection()));
  }
  if (!queue_.empty()) expiry_timer_.arm(queue_.front()->queued_at + wait_max());
}

Failure PostgresPool::no_connection() const {
  const auto waited = milliseconds_of(wait_max());
  if (!connections_.empty())
    return {Kind::overloaded, fmt::format("PostgreSQL: all connections were busy for {} ms", waited)};
  if (pause_.failures() == 0)
    return {Kind::unavailable, fmt::format("PostgreSQL: there was no connection for {} ms", waited)};
  // Whatever keeps us out, a wrong password too, is no fault of the call: it may pass.
  return {Kind::unavailable, fmt::format("no connection for {} ms: {}", waited, last_failure_.sentence)};
}

void PostgresPool::retry_due() {
  while (!later_.empty() && later_.begin()->first <= clock_.now()) {
    enqueue(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
  if (!later_.empty()) later_timer_.arm(later_.begin()->first);
  dispatch();
}

// --- Connections -----------------------------------------------------------------------------------------------------

void PostgresPool::open_more() {
  if (connections_.size() + dials_.size() >= limits_.connections_max) return;
  if (pause_.failures() > 0 && !dials_.empty()) return;
  if (dials_.size() >= queue_.size()) return;
  if (clock_.now() < next_attempt_) {
    if (!next_attempt_timer_.armed()) next_attempt_timer_.arm(next_attempt_);
    return;
  }
  auto dial = std::make_unique<PostgresDial>(loop_, clock_, target_, attempts_++, limits_.connect_wait_max);
  auto* const named = dial.get();
  dials_.push_back(std::move(dial));
  named->start([this, named](Result<PgConnection> outcome) { dialled(named, std::move(outcome)); });
}

void PostgresPool::dialled(const PostgresDial* dial, Result<PgConnection> outcome) {
  std::erase_if(dials_, [dial](const auto& other) { return other.get() == dial; });
  if (outcome) {
    pause_.succeeded();
    connections_.push_back(PostgresConnection::on(loop_, clock_, std::move(*outcome), limits_.connection, *this));
  } else {
    next_attempt_ = clock_.now() + pause_.after_failure();
    last_failure_ = std::move(outcome).error();
  }
  dispatch();
}

void PostgresPool::has_room(PostgresConnection& /*connection*/) {
  dispatch();
}

void PostgresPool::wants_again(PostgresJobPtr job, Refusal refusal) {
  if (refusal.again == Again::without_cache) {
    submit(std::move(job));
    return;
  }
  if (job->overtaken >= overtaken_max) {
    job->finished(fail(std::move(refusal.failure)));
    return;
  }
  ++job->overtaken;
  const auto factor = static_cast<std::int64_t>(job->overtaken);
  const auto due = clock_.now() + random_.between(overtaken_pause_min, factor * overtaken_pause_max);
  later_.emplace(due, std::move(job));
  later_timer_.arm(later_.begin()->first);
}

void PostgresPool::heard(std::string_view /*channel*/) {}  // the pool's connections listen to nothing

void PostgresPool::lost(PostgresConnection& connection, Failure why, std::vector<PostgresConnection::Unfinished> jobs) {
  std::erase_if(connections_, [&](const auto& other) { return other.get() == &connection; });
  for (auto& [job, untouched] : jobs) {
    if (untouched && ++job->lost <= lost_max) {
      enqueue(std::move(job));
    } else if (untouched) {
      job->finished(fail(why));
    } else {
      job->finished(fail(Kind::maybe_done, fmt::format("{}, while the answer was on its way", why.sentence)));
    }
  }
  dispatch();
}

}  // namespace sluice::db
