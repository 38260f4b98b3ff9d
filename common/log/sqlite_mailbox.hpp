// How other threads reach something that lives on a loop's thread and may be gone already.
#pragma once

#include <atomic>
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

  // The same for `owner.news()`; calls before it runs add nothing.
  void post_news() {
    if (news_posted_.exchange(true)) return;
    post([this](T& owner) {  // the owner, alive, holds this mailbox
      news_posted_ = false;
      owner.news();
    });
  }

 private:
  Guarded<Loop*> loop_;
  std::weak_ptr<T> owner_;
  std::atomic<bool> news_posted_{false};
};

}  // namespace sluice::log
