// A process's way to the log, with somebody who looks at each commit before it leaves and after its answer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/log/simulated_log.hpp"
#include "tests/simulation/truth.hpp"

namespace sluice::simulation {

class WatchedLog final : public log::Log {
 public:
  WatchedLog(log::SimulatedLog& log, Truth& truth) : log_(log), truth_(truth) {}

  [[nodiscard]] log::Capabilities capabilities() const override { return log_.capabilities(); }
  Task<Result<std::vector<log::Offset>>> append(std::vector<log::Outgoing> records) override;
  Task<Result<std::vector<log::Offset>>> append_atomically(std::vector<log::Outgoing> records, db::Batch changes,
                                                           std::vector<log::Commit> commits) override;
  Task<Result<std::unique_ptr<log::Consumer>>> subscribe(log::Subscription subscription) override;
  Task<Result<std::vector<log::Record>>> read(log::Partition partition, log::Offset from,
                                              log::ReadLimits limits) override {
    return log_.read(std::move(partition), from, limits);
  }
  Task<Result<log::Record>> read_one(log::Partition partition, log::Offset offset) override {
    return log_.read_one(std::move(partition), offset);
  }
  Task<Result<log::Span>> span(log::Partition partition) override { return log_.span(std::move(partition)); }
  Task<Result<std::optional<log::Committed>>> committed(std::string group, log::Partition partition) override {
    return log_.committed(std::move(group), std::move(partition));
  }
  Task<Done> create_topics(std::vector<log::TopicSpec> topics) override {
    return log_.create_topics(std::move(topics));
  }
  Task<Result<std::vector<log::TopicInfo>>> topics() override { return log_.topics(); }
  Task<> close() override { return log_.close(); }

 private:
  log::SimulatedLog& log_;
  Truth& truth_;
};

}  // namespace sluice::simulation
