// One member of a group as its process sees it: what it believes to be assigned, how far it has been told, what it has
// not been told yet. Its beliefs follow the broker's truth late; in between it is a zombie.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/reply.hpp"
#include "common/log/log.hpp"
#include "common/log/simulated_group.hpp"
#include "common/log/simulated_process.hpp"

namespace sluice::log {

class SimulatedMember : public std::enable_shared_from_this<SimulatedMember> {
 public:
  SimulatedMember(std::shared_ptr<SimulatedProcess> process, Subscription subscription)
      : process_(std::move(process)), subscription_(std::move(subscription)) {}

  // The consumer's side.
  [[nodiscard]] std::optional<Notice> take();  // what is to be told next, if anything
  void pause(const Partition& partition, bool paused);
  [[nodiscard]] std::shared_ptr<Reply<Done>> commit(std::vector<Commit> commits);
  void release(const std::vector<Partition>& partitions);
  void close();
  void abandon();               // its consumer was destroyed: nobody will take what it is told
  void break_off(Notice last);  // leaves its group and is told nothing but this, Closed or Broken

  // On arrival of something at the process.
  void hear(SimulatedGroup::News news);
  void saw_end(const Partition& partition, Epoch epoch, Offset end);  // up to there it can be told
  void end_with(Notice last);                                         // after what is still to be told

  // The broker's side of fetching: one look at a time for each partition that it believes to have.
  [[nodiscard]] std::optional<Epoch> starts_looking(const Partition& partition);
  void stops_looking(const Partition& partition, Epoch epoch);

  [[nodiscard]] const std::shared_ptr<SimulatedProcess>& process() const { return process_; }
  [[nodiscard]] const Subscription& subscription() const { return subscription_; }

  // The coordinator's notes.
  MemberId id = 0;       // of the latest join
  Instant news_until{};  // news arrive in order: not before this

 private:
  struct Belief {
    Epoch epoch = 0;
    Offset position = 0;  // everything below it was told
    Offset end = -1;      // as far as it has seen; -1 before the first look
    bool looking = false;
    bool paused = false;
    bool revoking = false;
    bool end_told = false;
  };

  void hear(Assigned assigned);
  void hear(Revoking revoking);
  void hear(Lost lost, bool expelled);
  void rejoin();
  void leave();
  Belief* belief(const Partition& partition, Epoch epoch);
  [[nodiscard]] static bool has_to_tell(const Belief& belief);
  void begin_unpaused(const Assigned& assigned);
  [[nodiscard]] std::optional<Notice> take_records();
  [[nodiscard]] Notice tell(const Partition& partition, Belief& belief);

  std::shared_ptr<SimulatedProcess> process_;
  Subscription subscription_;
  std::deque<Notice> inbox_;
  std::map<Partition, Belief> beliefs_;
  bool closing_ = false;
  bool over_ = false;  // nothing more will be heard
};

// The consumer that a subscription hands out.
class SimulatedConsumer final : public Consumer {
 public:
  explicit SimulatedConsumer(std::shared_ptr<SimulatedMember> member) : member_(std::move(member)) {}
  ~SimulatedConsumer() override { member_->abandon(); }

  Task<Notice> next() override;
  void pause(const Partition& partition) override { member_->pause(partition, true); }
  void resume(const Partition& partition) override { member_->pause(partition, false); }
  Task<Done> commit(std::vector<Commit> commits) override;
  void release(const std::vector<Partition>& partitions) override { member_->release(partitions); }
  void close() override { member_->close(); }

 private:
  std::shared_ptr<SimulatedMember> member_;
};

}  // namespace sluice::log
