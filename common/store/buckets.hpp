// Token buckets that all processes share: so many a second of each name and tenant, with a burst.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/async/clock.hpp"
#include "common/async/signal.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/tenant.hpp"

namespace sluice::store {

struct BucketLimits {
  double per_second = 1;   // above 0, at most a million
  std::int64_t burst = 1;  // tokens in a full bucket
};

struct Taken {
  std::int64_t tokens = 0;            // at most as many as were wanted
  std::chrono::milliseconds wait{0};  // without any: when the next one will be there, if nobody else takes it

  bool operator==(const Taken&) const = default;
};

// As many tokens as are there, up to `wanted`. Atomic, in one statement. Limits that change count from the next call
// on. A bucket that was emptied by a clock which stands more than ten seconds ahead of `now` is taken for empty, so a
// clock that went back makes nobody wait for longer than the bucket takes to fill.
Task<Result<Taken>> take_tokens(db::Database& database, event::Tenant tenant, std::string name, std::int64_t wanted,
                                BucketLimits limits, WallTime now);

// One process's share of a bucket: takes tokens ahead, so that a call costs no round trip while some are left. What is
// not used within `keep_max` is lost: it must not add to a later burst. On one loop; database and clock outlive it.
class SharedBucket {
 public:
  static constexpr std::chrono::milliseconds ahead{100};  // so much of the rate is taken at once
  static constexpr std::chrono::milliseconds keep_max{1000};

  SharedBucket(db::Database& database, Clock& clock, event::Tenant tenant, std::string name, BucketLimits limits);

  // One token, or the time after which to ask again. Many may ask at once: one of them goes to the database. A failure
  // is the database's, and nothing was taken.
  Task<Result<Taken>> take();

  void set_limits(BucketLimits limits) { limits_ = limits; }

 private:
  class Fetching;
  [[nodiscard]] std::optional<Taken> take_kept();  // none: the database has to be asked
  [[nodiscard]] std::int64_t worth_taking() const;

  db::Database& database_;
  Clock& clock_;
  event::Tenant tenant_;
  std::string name_;
  BucketLimits limits_;
  std::int64_t tokens_ = 0;
  Instant kept_until_{};
  Instant none_until_{};      // the bucket said that there would be none before
  std::int64_t waiting_ = 0;  // callers, since it was asked last
  bool fetching_ = false;
  Signal fetched_;
};

}  // namespace sluice::store
