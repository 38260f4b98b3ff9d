// Reading without a group: a few clients that each read one range at a time. All of it blocks, within request_wait_max,
// so it runs beside the loop; from several threads at once.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/guarded.hpp"
#include "common/log/kafka_client.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

class KafkaReader {
 public:
  KafkaReader(const KafkaSettings& settings, const KafkaVoice& voice, const Clock& clock);

  // The partition is there: whoever calls has asked.
  Result<std::vector<Record>> read(const Partition& partition, Offset from, ReadLimits limits);
  Result<Record> read_one(const Partition& partition, Offset offset);

  void stop() { stopping_ = true; }  // what is under way answers Kind::stopping soon

 private:
  // A client and the topics that it has seen: used by one call at a time, then kept for the next one.
  struct Seat {
    KafkaClient client;
    std::unordered_map<std::string, KafkaTopicHandle> topics;
  };
  using Seats = std::vector<std::unique_ptr<Seat>>;

  Result<std::unique_ptr<Seat>> take_seat(KafkaReading reading);
  void give_back(KafkaReading reading, std::unique_ptr<Seat> seat);
  Result<std::vector<Record>> read_with(KafkaReading reading, const Partition& partition, Offset from,
                                        ReadLimits limits);
  Result<std::vector<Record>> read_on(Seat& seat, const Partition& partition, Offset from, ReadLimits limits,
                                      Instant latest);
  Result<bool> is_above_end(Seat& seat, const Partition& partition, Offset offset);

  const KafkaSettings& settings_;
  const KafkaVoice& voice_;
  const Clock& clock_;
  Guarded<Seats> ranges_;
  Guarded<Seats> ones_;
  std::atomic<bool> stopping_{false};
};

}  // namespace sluice::log
