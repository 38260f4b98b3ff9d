#include "common/store/buckets.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/ensure.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

// A bucket is the moment until which the rate has paid for what was taken: `paid_until` in microseconds. A full one was
// paid long ago, an empty one is paid a whole burst after now. $1 tenant, $2 name, $3 now, $4 microseconds that a token
// takes, $5 those that a burst takes, $6 wanted, $7 what is granted when there is no row yet, $8 how far ahead a clock
// may be.
constexpr db::Sql take_from_bucket =
    "INSERT INTO buckets (tenant, name, paid_until, granted) VALUES ($1, $2, "
    "CAST($3 AS bigint) + CAST($7 AS bigint) * CAST($4 AS bigint), CAST($7 AS bigint)) "
    "ON CONFLICT (tenant, name) DO UPDATE SET (paid_until, granted) = "
    "(SELECT paid + granted * CAST($4 AS bigint), granted FROM (SELECT paid, "
    "CASE WHEN room < 0 THEN 0 WHEN room > CAST($6 AS bigint) THEN CAST($6 AS bigint) ELSE room END AS granted "
    "FROM (SELECT paid, (CAST($3 AS bigint) + CAST($5 AS bigint) - paid) / CAST($4 AS bigint) AS room "
    "FROM (SELECT CASE WHEN buckets.paid_until < CAST($3 AS bigint) THEN CAST($3 AS bigint) "
    "WHEN buckets.paid_until > CAST($3 AS bigint) + CAST($5 AS bigint) + CAST($8 AS bigint) "
    "THEN CAST($3 AS bigint) + CAST($5 AS bigint) ELSE buckets.paid_until END AS paid) AS bucket) AS roomy) AS shares) "
    "RETURNING granted, paid_until";

constexpr std::int64_t second = 1'000'000;       // in microseconds
constexpr std::int64_t ahead_max = 10 * second;  // of a clock that is only a little wrong

}  // namespace

Task<Result<Taken>> take_tokens(db::Database& database, event::Tenant tenant, std::string name, std::int64_t wanted,
                                BucketLimits limits, WallTime now) {
  ENSURE(limits.per_second > 0 && limits.per_second <= static_cast<double>(second),
         "a bucket fills, and not endlessly");
  ENSURE(limits.burst > 0 && wanted > 0, "a bucket holds a token, and somebody wants one");
  const std::int64_t token = std::llround(static_cast<double>(second) / limits.per_second);
  const std::int64_t burst = token * limits.burst;
  const std::int64_t moment_now = stored(now) * 1000;
  auto running = run(database, {take_from_bucket,
                                {tenant.text(), std::move(name), moment_now, token, burst, wanted,
                                 std::min(wanted, limits.burst), ahead_max}});
  const auto rows = co_await std::move(running);
  if (!rows) co_return fail(rows.error());
  const auto granted = rows->integer(0, 0);
  if (granted > 0) co_return Taken{granted};
  const std::chrono::microseconds wait{rows->integer(0, 1) + token - burst - moment_now};
  co_return Taken{0, std::chrono::ceil<std::chrono::milliseconds>(wait)};
}

SharedBucket::SharedBucket(db::Database& database, Clock& clock, event::Tenant tenant, std::string name,
                           BucketLimits limits)
    : database_(database), clock_(clock), tenant_(std::move(tenant)), name_(std::move(name)), limits_(limits) {}

// The bucket is somebody's to ask for; the others wait for what comes of it.
class SharedBucket::Fetching {
 public:
  explicit Fetching(SharedBucket& bucket) : bucket_(bucket) { bucket_.fetching_ = true; }
  Fetching(const Fetching&) = delete;
  Fetching& operator=(const Fetching&) = delete;
  ~Fetching() {
    bucket_.fetching_ = false;
    bucket_.fetched_.notify_all();
  }

 private:
  SharedBucket& bucket_;
};

Task<Result<Taken>> SharedBucket::take() {
  while (true) {
    auto kept = take_kept();
    if (kept) co_return *kept;
    if (!fetching_) break;
    waiting_ += 1;
    auto fetched = fetched_.wait();
    co_await std::move(fetched);
  }
  const Fetching fetching{*this};
  const auto wanted = worth_taking();
  waiting_ = 0;
  auto asking = take_tokens(database_, tenant_, name_, wanted, limits_, clock_.wall());
  const auto taken = co_await std::move(asking);
  if (!taken) co_return fail(taken.error());
  tokens_ = taken->tokens;
  kept_until_ = clock_.now() + keep_max;
  none_until_ = clock_.now() + taken->wait;
  co_return take_kept().value_or(*taken);
}

std::optional<Taken> SharedBucket::take_kept() {
  const auto now = clock_.now();
  if (tokens_ > 0 && now < kept_until_) {
    tokens_ -= 1;
    return Taken{1};
  }
  if (now < none_until_) return Taken{0, std::chrono::ceil<std::chrono::milliseconds>(none_until_ - now)};
  return std::nullopt;
}

std::int64_t SharedBucket::worth_taking() const {
  const std::chrono::duration<double> seconds = ahead;
  const auto soon = std::llround(limits_.per_second * seconds.count());
  return std::clamp<std::int64_t>(std::max<std::int64_t>(soon, waiting_ + 1), 1, limits_.burst);
}

}  // namespace sluice::store
