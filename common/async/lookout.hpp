// Keeps a loop awake for a moment while another thread is about to post to it. Falling asleep and being woken costs as
// much as a write to a quick disk, so who writes one thing after the other would wait twice as long as the disk needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#include <boost/asio/io_context.hpp>

namespace sluice {

class Inbox;

// Everything on the loop's thread.
class Lookout {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  using Now = Moment (*)();

  Lookout(boost::asio::io_context& context, const Inbox& inbox, unsigned cores = std::thread::hardware_concurrency(),
          Now now = std::chrono::steady_clock::now);

  void begin();  // until the inbox is drained next, and not for long; it may rest instead
  [[nodiscard]] bool looks() const { return looks_; }

  static constexpr std::chrono::microseconds awake_max{700};  // longer than a quick disk takes for a write
  static constexpr std::chrono::microseconds rest_max = 32 * awake_max;

 private:
  void look();

  boost::asio::io_context& context_;
  const Inbox& inbox_;
  const bool another_core_is_there_;  // with a single one nobody else gets on while we look
  const Now now_;
  bool looks_ = false;
  std::uint64_t drains_before_ = 0;
  Moment end_;
  // After a moment in which nothing came it rests as long, twice as long after the next: on a slow disk the processor
  // is of more use to others.
  std::chrono::microseconds rest_{0};
  Moment rests_until_;
};

}  // namespace sluice
