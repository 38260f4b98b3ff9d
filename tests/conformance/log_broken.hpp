// A log that breaks one promise: whoever says that the suite proves a promise shows that it notices this.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/log/log.hpp"

namespace sluice::conformance {

using namespace log;

#define SLUICE_LOG_MUTATIONS(X)                                                     \
  X(loses_a_record, "one acknowledged record in ten is not there")                  \
  X(acknowledges_early, "the last acknowledged record is still in memory")          \
  X(reorders, "the records of a call are stored backwards")                         \
  X(writes_half_of_a_refused_call, "the records before a bad one are written")      \
  X(mistakes_null_for_empty, "an absent value is stored as an empty one")           \
  X(merges_headers, "of headers with the same name only the last is kept")          \
  X(stamps_by_itself, "a given timestamp is replaced")                              \
  X(hides_overload, "overload is called unavailable")                               \
  X(ignores_limits, "a reading ignores its limits")                                 \
  X(answers_with_the_next_record, "one record is found at the offset of another")   \
  X(hides_damage, "what fails its checksum is passed over")                         \
  X(goes_on_after_close, "a closed log still appends")                              \
  X(ignores_epochs, "a stale epoch commits")                                        \
  X(forgets_commits, "a commit is acknowledged and dropped")                        \
  X(forgets_metadata, "a commit keeps its watermark only")                          \
  X(takes_any_metadata, "metadata that can't be stored is acknowledged")            \
  X(delivers_while_paused, "pause does nothing")                                    \
  X(skips_at_resume, "the first records after a resume are skipped")                \
  X(loses_at_cancellation, "a notice is lost when the waiting for it is cancelled") \
  X(never_reaches_the_end, "the end is told once only")                             \
  X(repeats_a_batch, "a batch is told twice")                                       \
  X(takes_without_asking, "revocations are not told")                               \
  X(keeps_its_epoch, "every assignment has the same epoch")                         \
  X(batches_without_bound, "the bound of a batch is ignored")                       \
  X(closes_without_a_word, "a closing consumer is not told what is revoked")        \
  X(commits_in_pieces, "an atomic append is three steps")

enum class Mutation : std::uint8_t {
  none,
#define SLUICE_LOG_MUTATION(name, sentence) name,
  SLUICE_LOG_MUTATIONS(SLUICE_LOG_MUTATION)
#undef SLUICE_LOG_MUTATION
};

// Breaks what passes through it. The sound log must outlive it.
class BrokenLog final : public Log {
 public:
  BrokenLog(Log& sound, Clock& clock, Mutation mutation) : sound_(sound), clock_(clock), mutation_(mutation) {}

  [[nodiscard]] Capabilities capabilities() const override { return sound_.capabilities(); }
  Task<Result<std::vector<Offset>>> append(std::vector<Outgoing> records) override;
  Task<Result<std::vector<Offset>>> append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                      std::vector<Commit> commits) override;
  Task<Result<std::unique_ptr<Consumer>>> subscribe(Subscription subscription) override;
  Task<Result<std::vector<Record>>> read(Partition partition, Offset from, ReadLimits limits) override;
  Task<Result<Record>> read_one(Partition partition, Offset offset) override;
  Task<Result<Span>> span(Partition partition) override { return sound_.span(std::move(partition)); }
  Task<Result<std::optional<Committed>>> committed(std::string group, Partition partition) override {
    return sound_.committed(std::move(group), std::move(partition));
  }
  Task<Done> create_topics(std::vector<TopicSpec> topics) override { return sound_.create_topics(std::move(topics)); }
  Task<Result<std::vector<TopicInfo>>> topics() override { return sound_.topics(); }
  Task<> close() override;

 private:
  [[nodiscard]] bool is(Mutation mutation) const { return mutation_ == mutation; }
  void spoil(std::vector<Outgoing>& records) const;
  Task<Result<std::vector<Offset>>> append_but_the_last(std::vector<Outgoing> records);

  Log& sound_;
  Clock& clock_;
  Mutation mutation_;
  int appended_ = 0;
  std::vector<Outgoing> kept_back_;
};

class BrokenConsumer final : public Consumer {
 public:
  BrokenConsumer(std::unique_ptr<Consumer> sound, Clock& clock, Mutation mutation)
      : sound_(std::move(sound)), clock_(clock), mutation_(mutation) {}

  Task<Notice> next() override;
  void pause(const Partition& partition) override;
  void resume(const Partition& partition) override;
  Task<Done> commit(std::vector<Commit> commits) override;
  void release(const std::vector<Partition>& partitions) override;
  void close() override;

 private:
  [[nodiscard]] bool is(Mutation mutation) const { return mutation_ == mutation; }
  bool passes(Notice& notice);  // false: it is swallowed

  std::unique_ptr<Consumer> sound_;
  Clock& clock_;
  Mutation mutation_;
  std::map<Partition, Epoch> epochs_;  // the true ones
  std::map<Partition, int> ends_;
  std::optional<Partition> resumed_;
  std::optional<Notice> again_;
  bool closing_ = false;
};

}  // namespace sluice::conformance
