#include "common/async/lookout.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/async/inbox.hpp"

namespace sluice {

Lookout::Lookout(boost::asio::io_context& context, const Inbox& inbox, unsigned cores, Now now)
    : context_(context), inbox_(inbox), another_core_is_there_(cores > 1), now_(now) {}

void Lookout::begin() {
  if (!another_core_is_there_) return;
  const auto now = now_();
  if (now < rests_until_) return;
  drains_before_ = inbox_.drains();
  end_ = now + awake_max;
  if (!std::exchange(looks_, true)) boost::asio::post(context_, [this] { look(); });
}

// As long as it has itself posted, the loop asks its sockets without waiting for them, and a thread that posts to it
// need not wake it.
void Lookout::look() {
  looks_ = false;
  if (inbox_.drains() != drains_before_) {
    rest_ = {};
    return;
  }
  if (const auto now = now_(); now >= end_) {
    rest_ = std::clamp(2 * rest_, awake_max, rest_max);
    rests_until_ = now + rest_;
    return;
  }
  looks_ = true;
  boost::asio::post(context_, [this] { look(); });
}

}  // namespace sluice
