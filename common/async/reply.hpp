// A value that one task awaits and that somebody gives once: the bridge from callbacks and other threads into coroutines.
#pragma once

#include <memory>

#include "common/async/loop.hpp"
#include "common/async/task.hpp"

namespace sluice {

// Both sides hold it: `auto reply = Reply<int>::on(loop);` … `reply->give(7);` … `auto seven = co_await reply->wait();`
template <class T>
class Reply {
 public:
  [[nodiscard]] static std::shared_ptr<Reply<T>> on(Loop& loop);

  void give(T value);        // on the loop's thread; the first wins, later ones are ignored
  void give_from(T value);   // from any other thread, through the loop's inbox

  // At most one waiter. Throws operation_aborted when cancelled; a value given later is dropped.
  Task<T> wait();
};

}  // namespace sluice
