// Data of several threads, reachable only with its lock held.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace sluice {

template <class T>
class Guarded {
 public:
  template <class... Arguments>
  explicit Guarded(Arguments&&... arguments) : data_(std::forward<Arguments>(arguments)...) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // Runs `f` with the data while the lock is held; no reference to the data may leave it. Never await inside.
  template <class F>
  decltype(auto) with(F&& f) {
    const std::scoped_lock lock(mutex_);
    return std::forward<F>(f)(data_);
  }
  template <class F>
  decltype(auto) with(F&& f) const {
    const std::scoped_lock lock(mutex_);
    return std::forward<F>(f)(std::as_const(data_));
  }

  // The lock for as long as the pointer lives: `auto state = guarded.locked(); state->count += 1;`
  template <class Data>
  class Pointer {
   public:
    Data* operator->() const { return data_; }
    Data& operator*() const { return *data_; }

   private:
    friend class Guarded;
    Pointer(std::mutex& mutex, Data& data) : lock_(mutex), data_(&data) {}
    std::unique_lock<std::mutex> lock_;
    Data* data_;
  };
  [[nodiscard]] Pointer<T> locked() { return {mutex_, data_}; }
  [[nodiscard]] Pointer<const T> locked() const { return {mutex_, data_}; }

  // The same, and then wakes the threads in wait(): all of them, or one when any of them will do.
  template <class F>
  auto change(F&& f) {
    const Wake wake{changed_, &std::condition_variable::notify_all};
    return with(std::forward<F>(f));
  }
  template <class F>
  auto change_for_one(F&& f) {
    const Wake wake{changed_, &std::condition_variable::notify_one};
    return with(std::forward<F>(f));
  }

  // Blocks the thread until `ready(data)` holds, then runs `f` under the same lock. Never on a loop's thread.
  template <class Ready, class F>
  decltype(auto) wait(Ready&& ready, F&& f) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready(std::as_const(data_)); });
    return std::forward<F>(f)(data_);
  }

 private:
  struct Wake {  // at its end, when the lock is free again
    std::condition_variable& changed;
    void (std::condition_variable::*how)() noexcept;
    ~Wake() { (changed.*how)(); }
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T data_;
};

}  // namespace sluice
