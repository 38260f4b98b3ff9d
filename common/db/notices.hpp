// Who wants to hear of which channel, within this process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/loop.hpp"
#include "common/db/database.hpp"

namespace sluice::db {

// From any thread. Many notices of one channel that come while a listener has not been called yet are one call.
class Notices {
 public:
  Notices();
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;
  ~Notices();

  // `heard` runs on that loop; the Listening is destroyed on its thread, before the loop.
  [[nodiscard]] std::unique_ptr<Listening> listen(Loop& loop, std::string channel, std::function<void()> heard);

  void tell(std::string_view channel);
  void tell_all();  // notices may have been missed

 private:
  struct Ear;
  struct Ears;
  class Listener;
  std::shared_ptr<Ears> ears_;
};

}  // namespace sluice::db
