// What the cases say in one line: appending, reading, and members of a group that check every notice they are told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/deadline.hpp"
#include "tests/conformance/log_suite.hpp"

namespace sluice::conformance {

// Waits for an answer, but not for ever: a call that hangs fails its case.
template <class T>
Task<T> soon(LogWorld& world, Task<T> operation) {
  auto answer = co_await within(world.clock(), world.clock().now() + world.patience(), std::move(operation));
  REQUIRE_MESSAGE(answer.has_value(), "no answer within the world's patience");
  co_return std::move(*answer);
}
Task<> soon_done(LogWorld& world, Task<> operation);

Outgoing record(const Partition& to, std::string value);  // with the key "key"
std::vector<Outgoing> records(const Partition& to, const std::vector<std::string>& values);
std::vector<std::string> numbered(std::string_view what, int count);     // "what-0", "what-1" …
std::vector<std::string> values_of(const std::vector<Record>& records);  // "(none)" for a tombstone

Task<Partition> fresh_partition(LogWorld& world);                               // the only one of a fresh topic
Task<std::vector<Offset>> put(LogWorld& world, std::vector<Outgoing> records);  // and it must succeed
Task<std::vector<Offset>> put(LogWorld& world, Partition to, std::vector<std::string> values);
Task<std::vector<Record>> all_of(LogWorld& world, Partition partition);  // read without a group, page by page
Task<std::optional<Committed>> committed_of(LogWorld& world, std::string group, Partition partition);

template <class T>
bool failed_as(const Result<T>& result, Kind kind) {
  if (!result && result.error().kind == kind) return true;
  MESSAGE("expected ", std::string{name_of(kind)}, ", got ",
          result ? std::string{"success"} : std::string{name_of(result.error().kind)} + ": " + result.error().sentence);
  return false;
}

// A member of a group. Whatever it is told is checked at once: records and ends only of partitions that are assigned,
// under their epoch, in order, from the watermark on, and never of a paused one; epochs rise; batches keep their
// bounds.
class Member {
 public:
  struct Held {
    Epoch epoch = 0;
    std::optional<Committed> committed;
  };
  struct Got {
    Partition partition;
    Epoch epoch = 0;
    Record record;
  };

  static Task<std::unique_ptr<Member>> join(LogWorld& world, Log& log, Subscription subscription);
  static Task<std::unique_ptr<Member>> join(LogWorld& world, std::string group, std::string topic);
  Member(LogWorld& world, Subscription subscription, std::unique_ptr<Consumer> consumer);

  Task<bool> take(Duration wait);  // one notice; false when none came meanwhile
  void pause(const Partition& partition);
  void resume(const Partition& partition);
  Task<Done> commit(Partition partition, Offset watermark, std::string metadata = {});  // under the epoch it holds
  Task<> leave();                                                                       // close, release, closed

  [[nodiscard]] Consumer& consumer() { return *consumer_; }
  [[nodiscard]] bool holds(const Partition& partition) const { return held.contains(partition); }
  [[nodiscard]] std::vector<std::string> values(const Partition& partition) const;  // of all that it was delivered
  [[nodiscard]] Offset end_of(const Partition& partition) const;  // the last end that it was told, -1 when none

  std::map<Partition, Held> held;
  std::vector<Got> got;
  std::map<Partition, std::vector<Offset>> ends;
  std::set<Partition> revoking;  // told and not yet released
  std::set<Partition> ever_revoked;
  std::set<Partition> lost;
  bool closed = false;
  std::optional<Failure> broken;
  bool releases = true;  // answers Revoking at once

 private:
  void told(Assigned notice);
  void told(Records notice);
  void told(const ReachedEnd& notice);
  void told(const Revoking& notice);
  void told(const Lost& notice);
  void told(const Broken& notice);
  void told(const Closed& notice);
  void forget(const Partition& partition);

  LogWorld& world_;
  Subscription subscription_;
  std::unique_ptr<Consumer> consumer_;
  std::map<Partition, Epoch> newest_epoch_;
  std::map<Partition, Offset> next_;  // no offset below it may come under the current epoch
  std::set<Partition> paused_;
};

// Lets all members take notices in turn until `reached`; false when the world's patience ends first.
Task<bool> until(LogWorld& world, std::vector<Member*> members, std::function<bool()> reached);
Task<bool> until(LogWorld& world, Member& member, std::function<bool()> reached);

}  // namespace sluice::conformance
