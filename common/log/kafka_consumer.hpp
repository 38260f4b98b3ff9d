// The consumer that a loop uses; what it stands on is a KafkaMember with its own thread.
#pragma once

#include <memory>
#include <vector>

#include "common/async/loop.hpp"
#include "common/log/kafka_member.hpp"
#include "common/log/log.hpp"

namespace sluice::log {

// Destroyed without close(), it goes as a crash would: the group notices after its session time-out.
class KafkaConsumer final : public Consumer {
 public:
  KafkaConsumer(Loop& loop, std::shared_ptr<KafkaMember> member);
  ~KafkaConsumer() override;

  Task<Notice> next() override;
  void pause(const Partition& partition) override;
  void resume(const Partition& partition) override;
  Task<Done> commit(std::vector<Commit> commits) override;
  void release(const std::vector<Partition>& partitions) override;
  void close() override;

 private:
  Loop& loop_;
  std::shared_ptr<KafkaMember> member_;
};

}  // namespace sluice::log
