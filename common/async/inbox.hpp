// What other threads want done on a loop's thread. It costs one wake-up each time it goes from empty to non-empty,
// however many calls follow, and it keeps the order of the calls.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/async/work.hpp"

namespace sluice {

class Inbox {
 public:
  explicit Inbox(boost::asio::io_context& context) : context_(context) {}

  // From any thread. Queued work keeps the context's run() from returning, an empty inbox does not.
  // The work must not throw: that would be nobody's exception, so it ends the process. Once it runs, the caller touches
  // neither inbox nor context any more, so the work may be what lets both be destroyed.
  void put(Work work);

  [[nodiscard]] std::uint64_t drains() const { return drains_; }  // on the loop's thread

 private:
  void drain() noexcept;

  boost::asio::io_context& context_;
  std::mutex mutex_;
  std::vector<Work> queued_;   // guarded by mutex_
  bool wake_up_sent_ = false;  // guarded by mutex_
  std::vector<Work> running_;  // the loop's thread only, as the next; keeps its capacity between drains
  std::uint64_t drains_ = 0;
};

}  // namespace sluice
