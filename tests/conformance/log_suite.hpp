// One suite for every log: a world says how its log is opened, crashed and damaged, the cases say what must hold.
// How to add a world: README.md of this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/task.hpp"
#include "common/db/database.hpp"
#include "common/log/log.hpp"

namespace sluice::conformance {

using namespace log;

// Everything that a case may do to a log beside using it. One world lives for one case.
//
// Before reopen(), crash() and narrow() a case has destroyed its consumers and has no call under way on the old log.
class LogWorld {
 public:
  LogWorld() = default;
  LogWorld(const LogWorld&) = delete;
  LogWorld& operator=(const LogWorld&) = delete;
  virtual ~LogWorld() = default;

  virtual Loop& loop() = 0;
  virtual Clock& clock() = 0;
  virtual void run(Task<> story) = 0;  // to its end on loop(), moving clock() on; rethrows what the story throws

  virtual Log& log() = 0;       // the current one
  virtual Task<> reopen() = 0;  // closes it in good order and opens the same store again
  virtual Task<> crash() = 0;   // the same store as it is found after a SIGKILL at this moment

  // How long an answer or a notice may take before the case has failed. Never waited for when all is well.
  [[nodiscard]] virtual Duration patience() const { return std::chrono::seconds{30}; }

  // How long a topic that somebody else made may be missing from a listing.
  [[nodiscard]] virtual Duration listed_within() const { return {}; }

  // What only some worlds can do. A world that can't lists the cases that need it, with the reason; a case that asks
  // for it all the same fails.
  virtual std::unique_ptr<Log> another();  // another process's handle on the same store
  virtual Task<> narrow();                 // reopens with bounds into which 2,000 appends of 1 KB at once don't fit
  virtual Task<> corrupt(Partition partition, Offset offset);  // flips a stored bit of that record's value
  virtual Task<> retain();  // removes by age and compacts all that may go by now; a record is as old as its timestamp
  virtual Task<Offset> append_foreign(Outgoing record);  // stores it as a program would that knows no checksum
  virtual db::Database& database();                      // the tables that share transactions with the log

  Task<std::string> fresh_topic(std::int32_t partitions, TopicSpec spec = {});  // the name in `spec` is ignored
  [[nodiscard]] std::string fresh_name(std::string_view what);  // for topics and groups; no other case ever had it

 protected:
  // Part of every fresh name; differs between runs where the store outlives the run.
  [[nodiscard]] virtual std::string run_name() const { return "suite"; }

 private:
  int names_ = 0;
};

// A case that a world can't play, and why. The world's file lists them; they are counted and printed.
struct Exception {
  std::string_view name;  // of the function of the case
  std::string_view reason;
};

using Case = Task<> (*)(LogWorld&);
using MakeWorld = std::unique_ptr<LogWorld> (*)();

// Plays one case in a fresh world, or says why this world can't.
void play(MakeWorld make, std::span<const Exception> exceptions, std::string_view name, Case story);

// Fails when an exception names no case, names one twice or has no reason; prints how many cases ran and how many not.
void check_exceptions(std::string_view world, std::span<const Exception> exceptions);

// Every case: the function that plays it, and the sentence that it proves.
#define SLUICE_LOG_CASES(X)    \
  SLUICE_LOG_APPEND_CASES(X)   \
  SLUICE_LOG_READING_CASES(X)  \
  SLUICE_LOG_TOPIC_CASES(X)    \
  SLUICE_LOG_DELIVERY_CASES(X) \
  SLUICE_LOG_PAUSE_CASES(X)    \
  SLUICE_LOG_COMMIT_CASES(X)   \
  SLUICE_LOG_MEMBER_CASES(X) SLUICE_LOG_CRASH_CASES(X) SLUICE_LOG_PROCESS_CASES(X) SLUICE_LOG_ATOMIC_CASES(X)

#define SLUICE_LOG_APPEND_CASES(X)                                                                    \
  X(offsets_rise, "an append answers with one rising offset per record")                              \
  X(nothing_is_appended, "an append of nothing answers with nothing")                                 \
  X(one_call_keeps_its_order, "records of one call keep their order in each partition")               \
  X(calls_keep_their_order, "appends of many tasks keep the order of their calls")                    \
  X(many_tasks_append, "what many tasks append to many partitions is there exactly once")             \
  X(bytes_come_back, "key and value and headers come back byte for byte")                             \
  X(null_is_not_empty, "no key and an empty key are two things and so with values")                   \
  X(headers_repeat, "headers keep repeated names and their order and absent values")                  \
  X(timestamps_are_kept, "a given timestamp is kept and an absent one is the time of the append")     \
  X(big_records_pass, "a record just below two megabytes passes")                                     \
  X(too_big_is_invalid, "a record above two megabytes is invalid and nothing of the call is written") \
  X(unknown_topic, "an append to an unknown topic is not found and nothing of the call is written")   \
  X(unknown_partition, "an append to an unknown partition is not found")                              \
  X(overload_is_an_answer, "a full queue answers overloaded and writes nothing of it")                \
  X(cancelled_append, "a cancelled append leaves a log that goes on in order")                        \
  X(closed_log_stops, "a closed log answers stopping")

#define SLUICE_LOG_READING_CASES(X)                                                           \
  X(read_from_the_middle, "a range is read from the first record at or above an offset")      \
  X(read_at_the_end, "reading at the end answers with nothing")                               \
  X(read_stops_at_records, "reading stops at the limit of records and goes on behind it")     \
  X(read_stops_at_bytes, "reading stops at the limit of bytes but always gives one record")   \
  X(read_one_record, "one record is read by its offset")                                      \
  X(read_one_not_found, "an offset without a record is not found")                            \
  X(read_unknown, "reading what doesn't exist is not found")                                  \
  X(span_of_a_partition, "a span is empty at first and then reaches above the newest record") \
  X(lag_counts, "the lag is the distance from the watermark to the end")

#define SLUICE_LOG_TOPIC_CASES(X)                                                                    \
  X(topics_are_listed, "created topics are listed with what was asked for")                          \
  X(creating_twice, "creating a topic twice with equal partitions is fine")                          \
  X(unequal_partitions_conflict, "creating a topic with another number of partitions is a conflict") \
  X(illegal_topics, "a topic without a name or a partition is invalid")                              \
  X(retention_removes_what_is_finished, "age removes what every group has finished")                 \
  X(retention_keeps_what_is_unfinished, "age never removes what a group has not finished")           \
  X(retention_keeps_the_young, "what is young stays though it is finished")                          \
  X(compaction_keeps_the_last, "compaction keeps the last record of each key")                       \
  X(tombstones_erase, "a tombstone erases its key")                                                  \
  X(offsets_are_never_used_again, "offsets go on rising after everything was removed")               \
  X(damage_is_poison, "a damaged record is poison and the rest flows")                               \
  X(damage_is_read_as_poison, "a damaged record is read as poison too")                              \
  X(foreign_records_are_sound, "a record without a checksum is sound")

#define SLUICE_LOG_DELIVERY_CASES(X)                                                            \
  X(first_subscription, "a new group is assigned every partition and reads from the beginning") \
  X(delivery_is_exact, "records are delivered as they were appended")                           \
  X(appends_wake, "a waiting consumer is told what is appended")                                \
  X(end_is_told_when_empty, "the end of an empty partition is told")                            \
  X(end_is_told_again, "the end is told behind the last record and again behind new ones")      \
  X(groups_are_independent, "two groups read the same records and commit apart")                \
  X(batches_are_bounded, "a batch holds no more than the subscription allows")                  \
  X(slow_consumers_lose_nothing, "a consumer that doesn't ask for long misses nothing")         \
  X(cancelled_next, "next can be cancelled at any time without loss")                           \
  X(ten_thousand, "ten thousand records flow through three groups")                             \
  X(illegal_subscriptions, "a subscription to what doesn't fit is refused")

#define SLUICE_LOG_PAUSE_CASES(X)                                                        \
  X(paused_means_silent, "nothing of a paused partition is delivered while others flow") \
  X(pause_of_a_backlog, "a pause in the middle of a backlog loses and doubles nothing")  \
  X(pause_twice, "pausing and resuming twice is the same as once")                       \
  X(pause_before_being_told, "a pause from before an assignment was told does not hold") \
  X(pause_is_forgotten, "a pause ends with the assignment")

#define SLUICE_LOG_COMMIT_CASES(X)                                                                 \
  X(commit_is_remembered, "a committed watermark and its metadata can be asked for")               \
  X(resubscribe_from_watermark, "a new subscription goes on at the watermark")                     \
  X(watermark_in_the_middle, "what is above the watermark is delivered again in order")            \
  X(watermark_goes_back, "the owner may set its watermark back")                                   \
  X(metadata_round_trip, "four thousand bytes of metadata come back")                              \
  X(metadata_refused, "metadata that is too large or not ASCII is invalid and the rest is stored") \
  X(stale_epoch_refused, "a commit under another epoch is stale and the rest is stored")           \
  X(unassigned_commit_refused, "a commit for a partition that isn't assigned is stale")            \
  X(commit_after_release, "a commit after the release is stale")                                   \
  X(commit_of_nothing, "a commit of nothing is done")

#define SLUICE_LOG_MEMBER_CASES(X)                                                                   \
  X(members_share, "two members share the partitions")                                               \
  X(partitions_stay_together, "partition n of both topics is with one member")                       \
  X(joining_hands_over, "a partition that moves is revoked and then assigned under a higher epoch")  \
  X(moved_records_go_on, "a partition that moves goes on at the watermark with its new owner")       \
  X(closing_hands_over, "a member that closes is told revoking and closed and the other takes over") \
  X(silence_is_overruled, "a member that doesn't release is overruled at the deadline")              \
  X(more_members_than_partitions, "a member without a partition takes over when the owner leaves")   \
  X(vanished_members, "the partitions of a destroyed consumer go to another one")

#define SLUICE_LOG_CRASH_CASES(X)                                                                        \
  X(reopened_log_goes_on, "a reopened log holds what it held and goes on behind it")                     \
  X(acknowledged_survives, "what was acknowledged survives a crash")                                     \
  X(crash_in_the_middle, "a crash amid appends leaves what was acknowledged in order and whole records") \
  X(commits_survive, "commits survive a crash and what is above them is delivered again")                \
  X(topics_survive, "topics survive a crash")

#define SLUICE_LOG_PROCESS_CASES(X)                                                  \
  X(processes_see_each_other, "what one process appends another one reads")          \
  X(processes_share_a_group, "members of two processes share a group and hand over") \
  X(processes_keep_commits_apart, "a process that lost a partition cannot commit it")

#define SLUICE_LOG_ATOMIC_CASES(X)                                                          \
  X(atomic_is_refused, "a log that isn't atomic refuses atomic appends and writes nothing") \
  X(atomic_is_whole, "outputs and changes and commits are stored together")                 \
  X(atomic_stale_epoch, "a stale epoch undoes outputs and changes and the other commits")   \
  X(atomic_unmet_expectation, "an unmet expectation undoes outputs and commits")            \
  X(atomic_bad_record, "a record that can't be stored undoes changes and commits")          \
  X(atomic_finds_the_group, "an atomic commit goes to the group that holds its epoch")      \
  X(atomic_survives, "an atomic append survives a crash whole")

#define SLUICE_DECLARE_LOG_CASE(function, sentence) Task<> function(LogWorld& world);
SLUICE_LOG_CASES(SLUICE_DECLARE_LOG_CASE)
#undef SLUICE_DECLARE_LOG_CASE

}  // namespace sluice::conformance
