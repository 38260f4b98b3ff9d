#include "common/async/inbox.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace sluice {

void Inbox::put(Work work) {
  const std::scoped_lock lock(mutex_);
  queued_.push_back(std::move(work));
  if (std::exchange(wake_up_sent_, true)) return;
  // Inside the lock, so that drain() can't run the work before this thread is done with the context.
  boost::asio::post(context_, [this] { drain(); });
}

void Inbox::drain() noexcept {
  ++drains_;
  {
    const std::scoped_lock lock(mutex_);
    queued_.swap(running_);
    wake_up_sent_ = false;
  }
  for (auto& work : running_) work();
  running_.clear();
}

}  // namespace sluice
