// One append on its way through the producer: what was asked, and what has become known of each record.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/async/reply.hpp"
#include "common/base/result.hpp"
#include "common/log/kafka_handles.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

using Appended = Result<std::vector<Offset>>;

class KafkaAppend;
using KafkaAppends = std::list<KafkaAppend>;  // nodes move between lists, so that their addresses stay

// A broker that knows nothing of a producer's earlier records in a partition takes whatever arrives first as the
// beginning of its sequence. Were two requests under way and the first refused, as a leader that has just been elected
// does, the second would be stored and the first reported as a duplicate of it: lost. So one record goes alone, until
// it is acknowledged, into a partition that has not acknowledged anything for a while.
struct KafkaGate {
  Instant open_until{};
  bool opening = false;  // the one is under way
};

class KafkaAppend {
 public:
  // What the library holds of each record while it has it, and gives back with its report.
  struct Slot {
    KafkaAppend* append = nullptr;
    Offset offset = -1;
    KafkaGate* gate = nullptr;
    bool opens = false;  // it went alone
  };
  struct Report {
    Slot* slot = nullptr;
    Offset offset = -1;
    std::optional<Failure> failure;
  };

  // Kind::invalid when a record can never be stored; then nothing of the call is.
  static Result<KafkaAppends> prepare(std::vector<Outgoing> records, std::size_t record_bytes_max);
  explicit KafkaAppend(std::vector<Outgoing> records);

  // Gives the library, in order, what may go now; called again it goes on. False when it took none of the append; why
  // is the outcome then.
  template <class WayOf>  // (record) -> pair of rd_kafka_topic_t* and KafkaGate&
  bool hand_over(rd_kafka_t* client, Instant now, const WayOf& way_of) {
    while (!handed_over()) {
      const auto& [topic, gate] = way_of(records_[next_]);
      const bool opens = gate.open_until <= now;
      if (opens && gate.opening) break;
      if (!hand_over(client, topic, next_)) break;
      slots_[next_].gate = &gate;
      slots_[next_].opens = gate.opening = opens;
      ++next_;
    }
    return next_ > 0;
  }
  [[nodiscard]] bool handed_over() const { return next_ == records_.size() || failure_; }  // nothing more will be given

  void report(const Report& report);
  void stop(Failure failure);  // gives the library no more of it
  [[nodiscard]] bool settled() const { return handed_over() && unreported_ == 0; }
  [[nodiscard]] bool with_the_library() const { return unreported_ > 0; }
  [[nodiscard]] bool some_may_be_there() const { return some_may_be_there_ || unreported_ > 0; }
  [[nodiscard]] Appended outcome() const;

  [[nodiscard]] const std::vector<Outgoing>& records() const { return records_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool concerns(std::string_view topic) const;  // it has a record for it

  std::shared_ptr<Reply<Appended>> reply;
  Instant began{};
  std::vector<Report>* reports = nullptr;  // where the producer's thread collects them
  KafkaAppends* list = nullptr;            // in which it stands
  KafkaAppends::iterator place;            // and where

 private:
  bool hand_over(rd_kafka_t* client, rd_kafka_topic_t* topic, std::size_t index);

  std::vector<Outgoing> records_;  // key and value are the library's to read until it has reported
  std::vector<KafkaHeaders> headers_;
  std::vector<Slot> slots_;
  std::size_t bytes_ = 0;
  std::size_t next_ = 0;  // the first record that the library has not been given
  std::size_t unreported_ = 0;
  bool some_may_be_there_ = false;
  std::optional<Failure> failure_;  // the first one
};

}  // namespace sluice::log
