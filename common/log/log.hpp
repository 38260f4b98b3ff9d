// The log seam: KafkaLog for many processes on many machines, SqliteLog for one, SimulatedLog for a seed.
//
// What every implementation keeps, proved by one conformance suite:
//  - total order per partition; offsets strictly increasing, gaps allowed;
//  - an acknowledged append survives SIGKILL;
//  - everything at or above the committed watermark is delivered again to the next owner, in order;
//  - commits under an epoch that is no longer current are refused;
//  - assignment and revocation are told, also in one process;
//  - partition n of all topics of one subscription is with one member;
//  - a full queue is an answer (overloaded), never a wait without end;
//  - each row carries a CRC-32C; what fails it is delivered as poison and the rest flows.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/statement.hpp"
#include "common/log/record.hpp"

namespace sluice::log {

using Epoch = std::int64_t;  // strictly increasing per (group, partition) within one process

constexpr std::size_t metadata_bytes_max = 4000;  // of a commit; printable ASCII

struct Commit {
  Partition partition;
  Epoch epoch = 0;
  Offset watermark = 0;  // the lowest offset that is not finished
  std::string metadata = {};
};
struct Committed {
  Offset watermark = 0;
  std::string metadata = {};
};

struct Assignment {
  Partition partition;
  Epoch epoch = 0;
  std::optional<Committed> committed;  // none: the group has never committed here, reading starts at the beginning
};

// What a consumer is told, in order.
struct Assigned {
  std::vector<Assignment> partitions;
};
struct Records {
  Partition partition;
  Epoch epoch = 0;
  std::vector<Record> records;  // of one partition, in order, never empty
};
// Everything below `end` that existed when it was looked at has been delivered. Told again whenever the end is reached
// anew.
struct ReachedEnd {
  Partition partition;
  Epoch epoch = 0;
  Offset end = 0;
};
// These partitions go away. Finish, commit, then call release(); after `deadline` they are taken anyway.
struct Revoking {
  std::vector<Partition> partitions;
  Instant deadline{};
};
// Already gone: commit nothing. As everywhere, the partitions of one number go and come together.
struct Lost {
  std::vector<Partition> partitions;
};
struct Broken {
  Failure failure;
};  // this consumer is unusable; close it and subscribe again
struct Closed {};  // the last notice
using Notice = std::variant<Assigned, Records, ReachedEnd, Revoking, Lost, Broken, Closed>;

// Used from the thread of the loop that subscribed.
class Consumer {
 public:
  Consumer() = default;
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  virtual ~Consumer() = default;

  virtual Task<Notice> next() = 0;  // waits for something to tell; one caller at a time; may be cancelled without loss

  // Nothing of a paused partition is delivered after pause() returns. Idempotent; forgotten at revocation.
  virtual void pause(const Partition& partition) = 0;
  virtual void resume(const Partition& partition) = 0;

  // Stale epochs are refused (Kind::stale) while the others of the same call are stored. Metadata that is too large or
  // not ASCII is Kind::invalid and stores nothing for that partition.
  virtual Task<Done> commit(std::vector<Commit> commits) = 0;

  // The answer to Revoking: what was to be committed is committed.
  virtual void release(const std::vector<Partition>& partitions) = 0;

  // Leaves the group: next() tells Revoking for all that is assigned, after release() Closed.
  virtual void close() = 0;
};

struct Subscription {
  std::string group;
  std::vector<std::string> topics;  // all with the same number of partitions
  std::size_t batch_records_max = 512;
  std::size_t batch_bytes_max = std::size_t{4} << 20U;
  std::chrono::milliseconds revoke_wait_max{2000};
};

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 32;
  std::optional<std::chrono::milliseconds> retention = {};  // none: kept for ever
  bool compacted = false;  // of records with equal keys only the last is kept, a tombstone erases
};
struct TopicInfo {
  TopicSpec spec;
  std::int32_t replicas = 1;
};
struct Span {
  Offset first = 0;  // the oldest that is still there
  Offset end = 0;    // one above the newest
};
struct ReadLimits {
  std::size_t records_max = 1000;
  std::size_t bytes_max = std::size_t{4} << 20U;
};

struct Capabilities {
  bool atomic = false;              // append_atomically exists
  bool many_processes = false;      // a group may have members in several processes
  bool removes_unfinished = false;  // retention asks for nothing but age
};

// Used from any loop's thread; each call resumes on the loop it was made on.
//
// Failures of an append: overloaded, unavailable, exhausted, stopping, invalid and not_found mean that nothing was
// written (not written); maybe_done means that some or all may be there (maybe written).
class Log {
 public:
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  virtual ~Log() = default;

  [[nodiscard]] virtual Capabilities capabilities() const = 0;

  // Answers when all of them are durable, with their offsets in the same order. Records of one call to one partition
  // keep their order, and follow those of every call that was made before on the same loop.
  virtual Task<Result<std::vector<Offset>>> append(std::vector<Outgoing> records) = 0;

  // Outputs, changes of state and commits in one transaction: all of it or nothing. Only where capabilities().atomic.
  // A stale epoch among the commits, or an expectation of `changes` that isn't met, undoes the whole.
  virtual Task<Result<std::vector<Offset>>> append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                              std::vector<Commit> commits) = 0;

  virtual Task<Result<std::unique_ptr<Consumer>>> subscribe(Subscription subscription) = 0;

  // Without a group. From the first record at or above `from`; fewer than asked for only at the end or at a limit.
  virtual Task<Result<std::vector<Record>>> read(Partition partition, Offset from, ReadLimits limits) = 0;
  virtual Task<Result<Record>> read_one(Partition partition, Offset offset) = 0;  // not_found when it isn't there

  virtual Task<Result<Span>> span(Partition partition) = 0;
  virtual Task<Result<std::optional<Committed>>> committed(std::string group, Partition partition) = 0;

  virtual Task<Done> create_topics(
      std::vector<TopicSpec> topics) = 0;  // those that exist with equal partitions are fine
  virtual Task<Result<std::vector<TopicInfo>>> topics() = 0;

  virtual Task<> close() = 0;  // waits for what is under way, within the implementation's own bound
};

// Messages between watermark and end; what a lag metric shows. Upper bound where offsets have gaps.
Offset lag(const Span& span, const std::optional<Committed>& committed);

}  // namespace sluice::log
