// The writer's steps in which records go.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/log/sqlite_jobs.hpp"

namespace sluice::log {

// The oldest records of a partition that are older than `before` and finished by every group, at most so many. What the
// groups have finished is looked up in the same transaction. Answers how many went.
class RemoveOldJob final : public AnsweringJob<std::size_t> {
 public:
  RemoveOldJob(std::shared_ptr<SqliteCore> core, Loop& loop, const Topic& topic, PartitionId partition,
               WallTime before);

 private:
  Result<std::size_t> work() override;

  const Topic& topic_;
  PartitionId partition_;
  WallTime before_;
};

// These records of a partition.
class RemoveJob final : public AnsweringJob<std::size_t> {
 public:
  RemoveJob(std::shared_ptr<SqliteCore> core, Loop& loop, PartitionId partition, std::vector<Offset> offsets);

 private:
  Result<std::size_t> work() override;

  PartitionId partition_;
  std::vector<Offset> offsets_;
};

// Free pages at the end of the file go back to the disk.
class VacuumJob final : public AnsweringJob<bool> {
 public:
  using AnsweringJob::AnsweringJob;

 private:
  Result<bool> work() override;
};

}  // namespace sluice::log
