// A member of a consumer group: librdkafka's consumer and the one thread that serves it.
//
// Each assigned partition is read through a queue of its own, one message at a time. So a partition that is paused or
// whose batch is full is simply not read on, while the group, commits and the other partitions are served as ever; what
// the library holds ready of it is bounded by prefetch_bytes_max, and nothing has to be fetched twice after a pause.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/guarded.hpp"
#include "common/async/reply.hpp"
#include "common/async/thread.hpp"
#include "common/log/kafka_client.hpp"
#include "common/log/kafka_commits.hpp"
#include "common/log/kafka_handover.hpp"
#include "common/log/kafka_wakeup.hpp"

namespace sluice::log {

class KafkaMember {
 public:
  // Joins the group; what comes of it is told through the hand-over to `loop`. Blocks for some milliseconds.
  static Result<std::shared_ptr<KafkaMember>> join(Loop& loop, const Clock& clock, const KafkaSettings& settings,
                                                   const KafkaVoice& voice, const Subscription& subscription);
  KafkaMember(Loop& loop, const Clock& clock, const KafkaSettings& settings, const KafkaVoice& voice,
              const Subscription& subscription);
  KafkaMember(const KafkaMember&) = delete;
  KafkaMember& operator=(const KafkaMember&) = delete;
  ~KafkaMember();  // abandons, and waits for the thread

  [[nodiscard]] KafkaHandover& handover() { return *handover_; }

  // From any thread.
  void commit(std::vector<Commit> commits, std::shared_ptr<Reply<Done>> reply);
  void close();    // leaves the group: Revoking, Closed
  void abandon();  // goes without a word to the group, as a crash would
  [[nodiscard]] bool ended() const { return ended_.load(); }

  void wait() { thread_.join(); }  // for the end of its thread; blocks; from one thread only

 private:
  enum class Phase { idle, assigning, assigned, revoking, broken };
  struct Requests {
    std::vector<KafkaCommits::Request> commits;
    bool close = false;
    bool abandon = false;
    bool ended = false;
  };
  // An assigned partition, as the thread reads it.
  struct Source {
    Partition partition;
    KafkaQueue queue;
    Offset next = 0;             // no offset below it is expected
    bool maybe_more = true;      // the queue was not seen empty since the library said that it has something
    std::size_t run_bytes = 0;   // read since it was last seen empty
    std::optional<Offset> end;   // told, and nothing has come since
    std::optional<Record> held;  // was read, and is too large for the room that was left
  };

  Done begin();

  // On the thread, in the order of one turn.
  void run();
  bool serve();  // false at the end
  [[nodiscard]] std::chrono::milliseconds wait_max() const;
  bool obey();
  void serve_group();
  void rebalance(rd_kafka_event_t* event);
  void revoke();
  void hear_error(rd_kafka_event_t* event);
  void try_to_assign();
  void assign(rd_kafka_topic_partition_list_t* partitions);
  void take_away();
  bool serve_sources();
  bool read(Source& source);
  bool take(Source& source, const rd_kafka_message_t& message, KafkaHandover::Room room, KafkaHandover::Batch& batch);
  void seen_empty(Source& source);
  void begin_anew();
  void keep_times();
  void begin_to_close();
  void give_up(Failure failure);
  void end();
  void finish_leaving();

  const Clock& clock_;
  const KafkaSettings settings_;
  const KafkaVoice& voice_;
  const Subscription subscription_;
  KafkaWakeup wakeup_;
  std::shared_ptr<KafkaHandover> handover_;
  Guarded<Requests> requests_;
  std::atomic<bool> ended_{false};

  // The thread's own.
  KafkaClient client_;
  KafkaQueue group_queue_;
  KafkaCommits commits_;
  Phase phase_ = Phase::idle;
  KafkaPartitions to_assign_;
  std::set<Partition> cut_off_;  // their watermark is above what is there, so it is none
  std::unordered_map<KafkaWakeup::Name, Source> sources_;
  KafkaWakeup::Name last_name_ = KafkaWakeup::group;
  bool more_to_read_ = false;
  Instant revoke_deadline_{};
  std::optional<Instant> close_deadline_;
  bool leaves_ = false;  // the library was told to
  std::vector<HeaderView> scratch_;

  Thread thread_;
};

}  // namespace sluice::log
