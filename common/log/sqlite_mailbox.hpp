// How other threads reach something that lives on a loop's thread and may be gone already.
#pragma once

#include <memory>
#include <utility>

#include "common/async/guarded.hpp"
#include "common/async/loop.hpp"

namespace sluice::log {

template <class T>
class Mailbox {
 public:
  explicit Mailbox(Loop& loop) : loop_(&loop) {}

  void open(std::weak_ptr<T> owner) { owner_ = std::move(owner); }

  // On the loop's thread; nothing is posted afterwards, so the loop may go too.
  void close() {
    loop_.with([](Loop*& loop) { loop = nullptr; });
  }

  // From any thread. `letter(owner)` runs on the loop's thread, in the order of the calls, unless the owner is gone.
  template <class F>
  void post(F letter) {
    loop_.with([&](Loop*& loop) {
      if (loop == nullptr) return;
      loop->post([owner = owner_, letter = std::move(letter)]() mutable {
        if (const auto alive = owner.lock()) letter(*alive);
      });
    });
  }

 private:
  Guarded<Loop*> loop_;
  std::weak_ptr<T> owner_;
};

}  // namespace sluice::log
