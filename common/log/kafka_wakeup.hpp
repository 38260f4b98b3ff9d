// One place where a thread waits for several of librdkafka's queues and for us: each writes its name into a pipe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "common/log/kafka_handles.hpp"

namespace sluice::log {

class KafkaWakeup {
 public:
  using Name = std::uint32_t;
  static constexpr Name poked = 0;
  static constexpr Name group = 1;  // names of other queues are above

  KafkaWakeup();  // ENSUREs that the system has a pipe left
  KafkaWakeup(const KafkaWakeup&) = delete;
  KafkaWakeup& operator=(const KafkaWakeup&) = delete;
  ~KafkaWakeup();  // after the client whose queues it watches: a write without a reader would end the process

  void watch(rd_kafka_queue_t* queue, Name name) const;  // told once when something comes after it was last read
  void poke();                                           // from any thread

  // Who called since the last time; waits for up to `most` when nobody has.
  const std::vector<Name>& wait(std::chrono::milliseconds most);

 private:
  int reading_ = -1;
  int writing_ = -1;
  std::atomic<bool> poked_{false};  // and not yet seen by wait()
  std::vector<Name> called_;
};

}  // namespace sluice::log
