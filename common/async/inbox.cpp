#include "common/async/inbox.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace sluice {

void Inbox::put(Work work) {
  bool send_wake_up = false;
  {
    const std::scoped_lock lock(mutex_);
    queued_.push_back(std::move(work));
    send_wake_up = !std::exchange(wake_up_sent_, true);
  }
  if (send_wake_up) boost::asio::post(context_, [this] { drain(); });
}

void Inbox::drain() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    queued_.swap(running_);
    wake_up_sent_ = false;
  }
  for (auto& work : running_) work();
  running_.clear();
}

}  // namespace sluice
